package runner

import org.codehaus.groovy.ast.ASTNode
import org.codehaus.groovy.ast.Parameter
import org.codehaus.groovy.ast.VariableScope
import org.codehaus.groovy.ast.expr.*
import org.codehaus.groovy.ast.stmt.BlockStatement
import org.codehaus.groovy.ast.stmt.EmptyStatement
import org.codehaus.groovy.ast.stmt.ExpressionStatement
import org.codehaus.groovy.ast.stmt.ReturnStatement
import org.codehaus.groovy.ast.stmt.Statement
import org.codehaus.groovy.syntax.Types

/**
 * The block `pipeline {}` becomes a map literal that `Interpreter` runs; every name and number of sections is
 * checked here (pipeline-model-definition@42c9dc3e: ModelParser, ModelValidatorImpl, BlockedStepsAndMethodCalls).
 *
 * Known, and refused: tools, libraries, matrix, agents of docker, dockerfile and kubernetes, custom workspaces.
 */
class DeclarativeTransform {
    private static final List ROOT = ['agent', 'stages', 'environment', 'options', 'parameters', 'triggers', 'post']
    private static final List STAGE = [
        'agent', 'environment', 'options', 'when', 'input', 'post', 'steps', 'stages', 'parallel', 'failFast',
    ]
    static final List POST = [
        'always', 'changed', 'fixed', 'regression', 'aborted', 'success', 'unsuccessful', 'unstable', 'failure',
        'notBuilt', 'cleanup',
    ]
    private static final List WHEN_FLAGS = ['beforeAgent', 'beforeInput', 'beforeOptions']
    private static final List WHEN_NESTED = ['not', 'allOf', 'anyOf']
    private static final List WHEN_LEAVES = [
        'branch', 'tag', 'buildingTag', 'changeRequest', 'environment', 'equals', 'expression', 'triggeredBy',
    ]
    private static final List INPUT = ['message', 'id', 'ok', 'submitter', 'submitterParameter', 'parameters']
    private static final List BLOCKED = ['stage', 'parallel', 'properties']
    private static final List PARAMETERS = ['string', 'text', 'booleanParam', 'choice', 'password']
    private static final List TRIGGERS = ['cron', 'pollSCM', 'upstream', 'parameterizedCron']

    private final SandboxVisitor visitor
    private final Set<String> names = []

    DeclarativeTransform(SandboxVisitor visitor) {
        this.visitor = visitor
    }

    Expression pipeline(MethodCallExpression node) {
        Map<String, List<Expression>> found = sections(block(node), ROOT, 'pipeline')
        ['agent', 'stages'].findAll { !found.containsKey(it) }.each { refuse(node, "a pipeline without ${it}") }
        map(common(found, node, false) + [
            stages: stages(found.stages, node, false),
            parameters: functions(found.parameters, PARAMETERS, 'parameter'),
            triggers: functions(found.triggers, TRIGGERS, 'trigger'),
        ])
    }

    private Map<String, Expression> common(Map<String, List<Expression>> found, ASTNode node, boolean inStage) {
        [
            agent: found.containsKey('agent') ? agent(found.agent, node) : none(),
            environment: environment(found.environment),
            options: functions(found.options, inStage ? Options.STAGE : Options.ROOT, 'option'),
            post: post(found.post),
        ]
    }

    private ListExpression stages(List<Expression> arguments, ASTNode node, boolean inParallel) {
        List<MethodCallExpression> calls = callsIn(closure(arguments, node))
        if (calls.empty) {
            refuse(node, 'an empty list of stages')
        }
        list(calls.collect { MethodCallExpression call ->
            if (call.methodAsString != 'stage') {
                refuse(call, "${call.methodAsString} among stages")
            }
            stage(call, inParallel)
        })
    }

    private Expression stage(MethodCallExpression node, boolean inParallel) {
        List<Expression> arguments = argumentsOf(node)
        boolean named = arguments.size() == 2 && arguments[0] instanceof ConstantExpression && arguments[0].value instanceof String
        if (!named || !(arguments[1] instanceof ClosureExpression)) {
            refuse(node, 'a stage without a literal name and a block')
        }
        String name = arguments[0].value
        if (!names.add(name)) {
            refuse(node, "a second stage ${name}")
        }
        Map<String, List<Expression>> found = sections((ClosureExpression) arguments[1], STAGE, "stage ${name}")
        List bodies = ['steps', 'stages', 'parallel'].findAll { found.containsKey(it) }
        if (bodies.size() != 1) {
            refuse(node, "stage ${name} with ${bodies ?: 'no body'}: one of steps, stages, parallel is needed, and it")
        }
        if (found.parallel && (found.agent || inParallel)) {
            refuse(node, "stage ${name}: parallel with an agent or inside parallel")
        }
        if (found.failFast && !found.parallel) {
            refuse(node, "stage ${name}: failFast without parallel")
        }
        map(common(found, node, true) + [
            name: new ConstantExpression(name),
            steps: found.steps ? steps(closure(found.steps, node)) : none(),
            stages: found.stages ? stages(found.stages, node, inParallel) : none(),
            parallel: found.parallel ? stages(found.parallel, node, true) : none(),
            failFast: found.failFast ? literal(found.failFast, Boolean, node) : new ConstantExpression(false),
            when: found.when ? whenSection(found.when, node) : none(),
            input: found.input ? input(found.input, node) : none(),
        ])
    }

    private Expression agent(List<Expression> arguments, ASTNode node) {
        Expression only = arguments.size() == 1 ? arguments[0] : null
        String word = only instanceof VariableExpression ? only.name : only instanceof ConstantExpression ? only.text : null
        if (word in ['none', 'any']) {
            return map(type: new ConstantExpression(word), label: none())
        }
        if (!(only instanceof ClosureExpression)) {
            refuse(node, "agent ${only?.text}")
        }
        List<MethodCallExpression> calls = callsIn(only)
        if (calls.size() == 1 && calls[0].methodAsString == 'node') {
            calls = callsIn(block(calls[0]))
        }
        if (calls.size() != 1 || calls[0].methodAsString != 'label') {
            refuse(only, "an agent of ${calls*.methodAsString}: only label")
        }
        map(type: new ConstantExpression('label'), label: lazy(single(calls[0])))
    }

    private Expression environment(List<Expression> arguments) {
        if (arguments == null) {
            return none()
        }
        List<Expression> entries = statements(closure(arguments, null)).collect { Expression node ->
            boolean assignment = node instanceof BinaryExpression && node.operation.type == Types.EQUAL && node.leftExpression instanceof VariableExpression
            if (!assignment) {
                refuse(node, 'anything but NAME = value in environment')
            }
            Expression value = node.rightExpression
            boolean credentials = value instanceof MethodCallExpression && value.methodAsString == 'credentials' && value.implicitThis
            boolean text = value instanceof ConstantExpression && value.value instanceof String || value instanceof GStringExpression
            boolean sum = value instanceof BinaryExpression && value.operation.type == Types.PLUS
            if (!credentials && !text && !sum && !(value instanceof MethodCallExpression && value.implicitThis)) {
                refuse(node, 'an environment value that is no string and no call')
            }
            map(name: new ConstantExpression(node.leftExpression.name), credentials: new ConstantExpression(credentials),
                value: lazy(credentials ? single(value) : value))
        }
        list(entries)
    }

    /** Options, parameters, triggers: names with arguments, evaluated when they are needed. */
    private Expression functions(List<Expression> arguments, Collection allowed, String kind) {
        if (arguments == null) {
            return list([])
        }
        List<MethodCallExpression> calls = callsIn(closure(arguments, null))
        List<String> used = calls*.methodAsString
        if (calls.empty || (kind != 'parameter' && used.toSet().size() != used.size())) {
            refuse(arguments[0], "an empty or repeated ${kind}")
        }
        list(calls.collect { MethodCallExpression call ->
            if (!(call.methodAsString in allowed)) {
                refuse(call, "${kind} ${call.methodAsString}")
            }
            map(name: new ConstantExpression(call.methodAsString), arguments: lazy(new ListExpression(raw(call))))
        })
    }

    private Expression post(List<Expression> arguments) {
        if (arguments == null) {
            return none()
        }
        Map<String, List<Expression>> found = sections(closure(arguments, null), POST, 'post')
        if (found.isEmpty()) {
            refuse(arguments[0], 'an empty post')
        }
        map(found.collectEntries { name, body -> [name, steps(closure(body, null))] })
    }

    private Expression whenSection(List<Expression> arguments, ASTNode node) {
        List<MethodCallExpression> calls = callsIn(closure(arguments, node))
        List<MethodCallExpression> conditions = calls.findAll { !(it.methodAsString in WHEN_FLAGS) }
        if (conditions.empty) {
            refuse(node, 'an empty when')
        }
        Map<String, Expression> flags = WHEN_FLAGS.collectEntries { String flag ->
            MethodCallExpression call = calls.find { it.methodAsString == flag }
            [flag, call == null ? new ConstantExpression(false) : literal(argumentsOf(call), Boolean, call)]
        }
        map(flags + [conditions: list(conditions.collect { condition(it) })])
    }

    private Expression condition(MethodCallExpression node) {
        String name = node.methodAsString
        if (name in WHEN_NESTED) {
            List<MethodCallExpression> inner = callsIn(block(node))
            if (inner.empty || (name == 'not' && inner.size() != 1)) {
                refuse(node, "${name} with ${inner.size()} conditions")
            }
            return map(name: new ConstantExpression(name), children: list(inner.collect { condition(it) }))
        }
        if (!(name in WHEN_LEAVES)) {
            refuse(node, "when condition ${name}")
        }
        Expression value = name == 'expression' ? visitor.closure(block(node)) : lazy(new ListExpression(raw(node)))
        map(name: new ConstantExpression(name), arguments: value)
    }

    private Expression input(List<Expression> arguments, ASTNode node) {
        Map<String, List<Expression>> found = sections(closure(arguments, node), INPUT, 'input')
        if (!found.message) {
            refuse(node, 'an input without a message')
        }
        map(found.collectEntries { name, given ->
            [name, name == 'parameters' ? functions(given, PARAMETERS, 'parameter') : lazy(given[0])]
        })
    }

    /** Steps of the declarative kind: calls of steps, nested in blocks of steps, and script for everything else. */
    private Expression steps(ClosureExpression body) {
        if (statements(body).empty) {
            refuse(body, 'an empty block of steps')
        }
        checkSteps(body)
        visitor.closure(body)
    }

    private void checkSteps(ClosureExpression body) {
        callsIn(body).each { MethodCallExpression call ->
            if (call.methodAsString in BLOCKED) {
                refuse(call, "${call.methodAsString} outside script")
            }
            Expression last = argumentsOf(call) ? argumentsOf(call).last() : null
            if (last instanceof ClosureExpression && call.methodAsString != 'script') {
                checkSteps(last)
            }
        }
    }

    private Map<String, List<Expression>> sections(ClosureExpression body, List allowed, String where) {
        Map<String, List<Expression>> found = [:]
        callsIn(body).each { MethodCallExpression call ->
            String name = call.methodAsString
            if (!(name in allowed)) {
                refuse(call, "${name} in ${where} (known: ${allowed.join(', ')})")
            }
            if (found.containsKey(name)) {
                refuse(call, "a second ${name} in ${where}")
            }
            found[name] = argumentsOf(call)
        }
        found
    }

    private static List<Expression> statements(ClosureExpression body) {
        ((BlockStatement) body.code).statements.findAll { !(it instanceof EmptyStatement) }.collect { Statement statement ->
            if (!(statement instanceof ExpressionStatement || statement instanceof ReturnStatement)) {
                refuse(statement, 'a statement outside script')
            }
            statement.expression
        }
    }

    private static List<MethodCallExpression> callsIn(Expression body) {
        statements((ClosureExpression) body).collect { Expression node ->
            if (!(node instanceof MethodCallExpression) || !node.implicitThis || node.methodAsString == null) {
                refuse(node, "${node.text} outside script: a step or section is expected, and it")
            }
            (MethodCallExpression) node
        }
    }

    private static List<Expression> argumentsOf(MethodCallExpression node) {
        ((TupleExpression) node.arguments).expressions
    }

    private static List<Expression> raw(MethodCallExpression node) {
        argumentsOf(node).collect { it instanceof NamedArgumentListExpression ? new MapExpression(it.mapEntryExpressions) : it }
    }

    private static Expression single(MethodCallExpression node) {
        List<Expression> given = raw(node)
        if (given.size() != 1) {
            refuse(node, "${node.methodAsString} with ${given.size()} arguments")
        }
        given[0]
    }

    private static ClosureExpression block(MethodCallExpression node) {
        closure(argumentsOf(node), node)
    }

    private static ClosureExpression closure(List<Expression> arguments, ASTNode node) {
        if (arguments.size() != 1 || !(arguments[0] instanceof ClosureExpression)) {
            refuse(node ?: arguments[0], 'a section without a block')
        }
        (ClosureExpression) arguments[0]
    }

    private static Expression literal(List<Expression> arguments, Class type, ASTNode node) {
        if (arguments.size() != 1 || !(arguments[0] instanceof ConstantExpression) || !type.isInstance(arguments[0].value)) {
            refuse(node, "a value that is no literal ${type.simpleName}")
        }
        arguments[0]
    }

    /** `{ -> expression }`, transformed. */
    private Expression lazy(Expression value) {
        ClosureExpression closure = new ClosureExpression(Parameter.EMPTY_ARRAY, new BlockStatement([new ReturnStatement(visitor.transform(value))], new VariableScope()))
        closure.variableScope = new VariableScope()
        closure.sourcePosition = value
        closure
    }

    private static ListExpression list(List<Expression> items) {
        new ListExpression(items)
    }

    private static MapExpression map(Map<String, Expression> entries) {
        new MapExpression(entries.collect { name, value -> new MapEntryExpression(new ConstantExpression(name), value) })
    }

    private static Expression none() {
        new ConstantExpression(null)
    }

    private static void refuse(ASTNode node, String what) {
        ImportCheck.refuse(node, what)
    }
}
