// What is wrong with Jenkinsfiles: the structure of Declarative Pipeline, and what the sandbox wouldn't let run.
// Prints one finding a line as PATH:LINE: MESSAGE, and `checked N` last. Arguments: files.
//
// The structure follows pipeline-model-definition (November 2025): parser/ModelParser.groovy says which sections stand
// where, validator/ModelValidatorImpl.groovy what they must hold. Plain Groovy accepts all of it, and Jenkins itself says so
// only when the build starts. The sandbox's part follows script-security's generic-whitelist: an explicit list of all
// that compiled files call.
import org.codehaus.groovy.ast.ClassCodeVisitorSupport
import org.codehaus.groovy.ast.expr.*
import org.codehaus.groovy.ast.stmt.*
import org.codehaus.groovy.control.*

class Check {
    static PIPELINE = ['agent', 'stages', 'environment', 'post', 'tools', 'options', 'parameters', 'triggers', 'libraries']
    static STAGE = ['agent', 'when', 'steps', 'post', 'options', 'input', 'tools', 'environment', 'parallel', 'matrix', 'failFast', 'stages']
    static BODIES = ['steps', 'stages', 'parallel', 'matrix']
    static AGENTS = ['none', 'any', 'label', 'node', 'docker', 'dockerfile', 'kubernetes']
    static PROPERTIES = ['buildDiscarder', 'disableConcurrentBuilds', 'disableResume', 'overrideIndexTriggers', 'preserveStashes', 'rateLimitBuilds',
                         'checkoutToSubdirectory', 'newContainerPerStage', 'parallelsAlwaysFailFast', 'quietPeriod', 'skipStagesAfterUnstable', 'disableRestartFromStage']
    static STAGE_OPTIONS = ['skipDefaultCheckout', 'timeout', 'retry', 'timestamps', 'lock']
    static PARAMETERS = ['string', 'text', 'booleanParam', 'choice', 'password', 'file', 'run']
    static TRIGGERS = ['cron', 'pollSCM', 'upstream', 'githubPush', 'parameterizedCron']
    static POST = ['always', 'changed', 'fixed', 'regression', 'aborted', 'success', 'unsuccessful', 'unstable', 'failure', 'notBuilt', 'cleanup']
    static WHEN = ['allOf', 'anyOf', 'not', 'branch', 'buildingTag', 'tag', 'changelog', 'changeset', 'changeRequest', 'environment', 'equals', 'expression',
                   'triggeredBy', 'isRestartedRun', 'beforeAgent', 'beforeInput', 'beforeOptions']
    static NESTED = ['allOf', 'anyOf', 'not']
    static BLOCKED = ['stage', 'parallel', 'properties', 'pipeline'] // as steps outside of `script`

    String path
    List findings = []

    void wrong(def node, String message) { findings << "${path}:${node.lineNumber}: ${message}".toString() }

    // A method call statement as [name, arguments without a last closure, closure], or null.
    List madeOf(def statement) {
        def expression = statement instanceof ExpressionStatement || statement instanceof ReturnStatement ? statement.expression : statement
        if (expression instanceof MethodCallExpression && expression.implicitThis) {
            def all = expression.arguments instanceof TupleExpression ? expression.arguments.expressions : [expression.arguments]
            def body = all && all[-1] instanceof ClosureExpression ? all[-1] : null
            return [expression.methodAsString, body ? all[0..<-1] : all, body]
        }
        null
    }

    List statements(ClosureExpression body) { body.code instanceof BlockStatement ? body.code.statements : [body.code] }

    Map sections(ClosureExpression body, List allowed, String where) {
        Map found = [:]
        statements(body).each { statement ->
            def made = madeOf(statement)
            if (made == null) { wrong(statement, "not a section of ${where}"); return }
            if (!(made[0] in allowed)) { wrong(statement, "undefined section ${made[0]} in ${where}") }
            if (found.containsKey(made[0])) { wrong(statement, "section ${made[0]} twice in ${where}") }
            found[made[0]] = [statement, made]
        }
        found
    }

    void pipeline(def statement, ClosureExpression body) {
        Map found = sections(body, PIPELINE, 'pipeline')
        ['agent', 'stages'].each { if (!found[it]) { wrong(statement, "pipeline has no ${it}") } }
        common(found, PROPERTIES + STAGE_OPTIONS)
        items(found.parameters, PARAMETERS, true)
        items(found.triggers, TRIGGERS, false)
        if (found.stages) { stages(found.stages, false) }
    }

    void common(Map found, List options) {
        if (found.agent) { agent(found.agent) }
        if (found.post) {
            Map made = sections(found.post[1][2], POST, 'post')
            if (!made) { wrong(found.post[0], 'empty post') }
            made.each { name, one -> steps(one) }
        }
        items(found.options, options, false)
        if (found.environment) {
            statements(found.environment[1][2]).each {
                if (!(it instanceof ExpressionStatement && it.expression instanceof BinaryExpression && it.expression.leftExpression instanceof VariableExpression)) {
                    wrong(it, 'environment has more than NAME = value')
                }
            }
        }
    }

    void agent(List found) {
        def (statement, made) = found
        if (made[2] == null) {
            def name = made[1] ? made[1][0].text : null
            if (!(name in ['none', 'any'])) { wrong(statement, "agent ${name} needs a block") }
            return
        }
        sections(made[2], AGENTS - ['none', 'any'], 'agent')
    }

    void items(List found, List allowed, boolean named) {
        if (!found) { return }
        def (statement, made) = found
        List names = []
        if (made[2] == null) { wrong(statement, "${made[0]} has no block"); return }
        statements(made[2]).each { item ->
            def one = madeOf(item)
            if (one == null || !(one[0] in allowed)) { wrong(item, "${one ? one[0] : 'this'} isn't allowed in ${made[0]}"); return }
            if (!named && one[0] in names) { wrong(item, "${one[0]} twice in ${made[0]}") }
            names << one[0]
            def mixed = one[1].any { it instanceof MapExpression } && one[1].any { !(it instanceof MapExpression) }
            if (mixed || (named && !(one[1] && one[1][0] instanceof MapExpression))) { wrong(item, "${one[0]} mixes or lacks named arguments") }
        }
        if (!names) { wrong(statement, "empty ${made[0]}") }
    }

    void stages(List found, boolean parallel) {
        def (statement, made) = found
        List names = []
        if (made[2] == null) { wrong(statement, "${made[0]} has no block"); return }
        statements(made[2]).each { item ->
            def one = madeOf(item)
            if (one == null || one[0] != 'stage' || one[2] == null) { wrong(item, "only stages stand in ${made[0]}"); return }
            if (one[1].size() != 1 || !(one[1][0] instanceof ConstantExpression)) { wrong(item, 'a stage has one name, which is a literal') }
            def name = one[1] ? one[1][0].text : null
            if (name in names) { wrong(item, "stage ${name} twice") }
            names << name
            stage(item, one[2], parallel)
        }
        if (!names) { wrong(statement, "empty ${made[0]}") }
    }

    void stage(def statement, ClosureExpression body, boolean parallel) {
        Map found = sections(body, STAGE, 'stage')
        List bodies = BODIES.findAll { found[it] }
        if (bodies.size() != 1) { wrong(statement, "a stage has one of ${BODIES.join(', ')}, and this has ${bodies ?: 'none'}") }
        if (parallel && (found.parallel || found.matrix)) { wrong(statement, 'no parallel or matrix inside parallel or matrix') }
        if ((found.parallel || found.matrix) && (found.agent || found.tools)) { wrong(statement, 'a stage with parallel or matrix has no agent and no tools') }
        common(found, STAGE_OPTIONS)
        if (found.when) { when(found.when) }
        if (found.steps) { steps(found.steps) }
        if (found.stages) { stages(found.stages, parallel) }
        if (found.parallel) { stages(found.parallel, true) }
        if (found.matrix) {
            Map made = sections(found.matrix[1][2], ['axes', 'excludes', 'agent', 'when', 'post', 'options', 'input', 'tools', 'environment', 'stages'], 'matrix')
            ['axes', 'stages'].each { if (!made[it]) { wrong(statement, "matrix has no ${it}") } }
            if (made.stages) { stages(made.stages, true) }
        }
    }

    void when(List found) {
        def (statement, made) = found
        int conditions = 0
        statements(made[2]).each { item ->
            def one = madeOf(item)
            if (one == null || !(one[0] in WHEN)) { wrong(item, "${one ? one[0] : 'this'} isn't a condition of when"); return }
            if (!one[0].startsWith('before')) { conditions++ }
            if (one[0] in NESTED) { one[2] == null ? wrong(item, "${one[0]} has no conditions") : when([item, one]) }
        }
        if (!conditions) { wrong(statement, "${made[0]} has no condition") }
    }

    void steps(List found) {
        def (statement, made) = found
        List all = made[2] == null ? [] : statements(made[2])
        if (!all) { wrong(statement, "${made[0]} has no steps") }
        all.each { item ->
            def one = madeOf(item)
            if (one == null) { wrong(item, "not a step in ${made[0]}") } else if (one[0] in BLOCKED) { wrong(item, "${one[0]} isn't allowed in ${made[0]}") }
        }
    }
}

class Sandbox extends ClassCodeVisitorSupport {
    static STEPS = ['archiveArtifacts', 'cache', 'catchError', 'checkout', 'deleteDir', 'dir', 'error', 'fileExists', 'input', 'junit', 'lock', 'node', 'parallel',
                    'pipeline', 'readFile', 'sh', 'sleep', 'stage', 'stash', 'timeout', 'unstash', 'withCredentials', 'withEnv', 'writeFile',
                    'string', 'arbitraryFileCache', 'script', 'steps', 'stages', 'options', 'parameters', 'triggers', 'agent', 'disableConcurrentBuilds',
                    'buildDiscarder', 'logRotator', 'booleanParam', 'choice', 'cron', 'parameterizedCron']
    // Of java.lang.String, java.util.Map, List and Collection, net.sf.json.JSON, RunWrapper, docker-workflow, EnvActionImpl.
    static METHODS = ['split', 'contains', 'startsWith', 'trim', 'size', 'addAll', 'get', 'keySet', 'getBuildCauses', 'getPreviousSuccessfulBuild',
                      'getBuildVariables', 'image', 'inside', 'getProperty', 'asList']
    Check check
    SourceUnit unit
    List own = []

    SourceUnit getSourceUnit() { unit }

    void visitMethodCallExpression(MethodCallExpression made) {
        def name = made.methodAsString
        if (name == null) { check.wrong(made, 'a call by a computed name') }
        else if (made.implicitThis ? !(name in STEPS || name in own) : !(name in METHODS)) { check.wrong(made, "${name} isn't among the calls that the sandbox lets run") }
        super.visitMethodCallExpression(made)
    }

    void visitConstructorCallExpression(ConstructorCallExpression made) {
        if (made.type.nameWithoutPackage != 'ArrayList') { check.wrong(made, "new ${made.type.name}") }
        super.visitConstructorCallExpression(made)
    }

    void visitGStringExpression(GStringExpression text) { check.wrong(text, 'a text with an expression in it') }
    void visitMethodPointerExpression(MethodPointerExpression made) { check.wrong(made, 'a method pointer') }
    void visitStaticMethodCallExpression(StaticMethodCallExpression made) { check.wrong(made, 'a static import') }
}

args.each { path ->
    def check = new Check(path: path)
    def unit = new CompilationUnit()
    def source = unit.addSource(new File(path))
    try {
        unit.compile(Phases.CONVERSION)
    } catch (CompilationFailedException problem) {
        println("${path}:1: ${problem.message.readLines().find { it.contains(': ') }}")
        return
    }
    def tree = source.AST
    if (tree.imports || tree.starImports || tree.staticImports || tree.staticStarImports) { check.findings << "${path}:1: an import" }
    def blocks = tree.statementBlock.statements.findAll { check.madeOf(it)?.getAt(0) == 'pipeline' }
    if (blocks.size() != 1) { check.findings << "${path}:1: ${blocks.size()} pipeline blocks at the top" }
    blocks.each { block ->
        def made = check.madeOf(block)
        made[2] == null ? check.wrong(block, 'pipeline has no block') : check.pipeline(block, made[2])
    }
    def sandbox = new Sandbox(check: check, unit: source, own: tree.methods*.name)
    tree.statementBlock.visit(sandbox)
    tree.methods.each { method ->
        if (method.annotations) { check.wrong(method, 'an annotation') }
        method.code.visit(sandbox)
    }
    check.findings.each { println(it) }
}
println("checked ${args.size()}")
