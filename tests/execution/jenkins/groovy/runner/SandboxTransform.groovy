package runner

import org.codehaus.groovy.ast.ASTNode
import org.codehaus.groovy.ast.AnnotatedNode
import org.codehaus.groovy.ast.ClassCodeExpressionTransformer
import org.codehaus.groovy.ast.ClassHelper
import org.codehaus.groovy.ast.ClassNode
import org.codehaus.groovy.ast.MethodNode
import org.codehaus.groovy.ast.Parameter
import org.codehaus.groovy.ast.expr.*
import org.codehaus.groovy.ast.stmt.CatchStatement
import org.codehaus.groovy.ast.stmt.ForStatement
import org.codehaus.groovy.ast.stmt.SynchronizedStatement
import org.codehaus.groovy.classgen.GeneratorContext
import org.codehaus.groovy.classgen.VariableScopeVisitor
import org.codehaus.groovy.control.CompilePhase
import org.codehaus.groovy.control.SourceUnit
import org.codehaus.groovy.control.customizers.CompilationCustomizer
import org.codehaus.groovy.syntax.Types

/** Imports and annotations: before anything of them can take effect. */
class ImportCheck extends CompilationCustomizer {
    private static final Set IMPORTS = [
        'groovy.transform.Field', 'hudson.AbortException', 'java.util.concurrent.TimeUnit',
        'org.jenkinsci.plugins.workflow.steps.FlowInterruptedException',
    ]

    ImportCheck() {
        super(CompilePhase.CONVERSION)
    }

    void call(SourceUnit source, GeneratorContext generator, ClassNode type) {
        source.AST.imports.findAll { !(it.className in IMPORTS) }.each { refuse(it, "import ${it.className}") }
        (source.AST.starImports + source.AST.staticImports.values() + source.AST.staticStarImports.values())
            .each { refuse(it, "import ${it.text}") }
        if (!type.script) {
            refuse(type, "class ${type.name}: classes aren't known to this runner")
        }
    }

    static void refuse(ASTNode node, String what) {
        throw new RunnerError("line ${node.lineNumber}: ${what} is refused")
    }
}

/**
 * Rewrite a Jenkinsfile so that `Sandbox` sees each call, construction, property and index, as script-security@a5f0130a
 * does through groovy-sandbox; what Jenkins' parser or the CPS transformer refuses is refused here at compile time
 * (workflow-cps@e007b7ff: CpsTransformer; a literal's elements are arguments of one call, of which the JVM allows 255).
 *
 * Calls without a receiver become `invokeStep(name, [arguments])` of `JenkinsScript`.
 */
class SandboxTransform extends CompilationCustomizer {
    SandboxTransform() {
        super(CompilePhase.CANONICALIZATION)
    }

    void call(SourceUnit source, GeneratorContext generator, ClassNode type) {
        SandboxVisitor visitor = new SandboxVisitor(source)
        type.fields.each { visitor.annotations(it) }
        type.methods.findAll { it.name != 'main' }.each { visitor.method(it) }
        type.fields.findAll { it.initialExpression != null && !it.synthetic }
            .each { it.initialValueExpression = visitor.transform(it.initialExpression) }
        type.declaredConstructors.each { it.code?.visit(visitor) }
        new VariableScopeVisitor(source, true).visitClass(type)
    }
}

class SandboxVisitor extends ClassCodeExpressionTransformer {
    private static final ClassNode SANDBOX = ClassHelper.make(Sandbox)
    private static final Set TYPES = [
        'java.lang.Object', 'java.lang.String', 'groovy.lang.GString', 'int', 'java.lang.Integer', 'long', 'java.lang.Long', 'boolean',
        'java.lang.Boolean', 'double', 'java.lang.Double', 'java.math.BigDecimal', 'java.util.List', 'java.util.Map',
        'java.util.Set', 'java.util.Collection', 'java.util.ArrayList', 'java.util.LinkedHashMap', 'java.util.HashMap',
        'java.util.Map$Entry', 'groovy.lang.Closure', 'void', 'java.util.LinkedHashSet', 'java.lang.Number',
    ]
    private static final Set NEW = [
        'java.util.ArrayList', 'java.util.HashMap', 'java.util.HashSet', 'java.util.LinkedHashSet', 'java.util.TreeMap',
        'java.util.TreeSet', 'java.util.LinkedHashMap', 'java.lang.StringBuilder', 'java.lang.Exception',
    ]
    private static final Set HIDDEN = [
        'owner', 'delegate', 'thisObject', 'metaClass', 'binding', 'class', 'resolveStrategy', 'directive', 'super',
    ]

    private final SourceUnit source
    private int closures = 0
    private MethodNode current

    SandboxVisitor(SourceUnit source) {
        this.source = source
    }

    protected SourceUnit getSourceUnit() {
        source
    }

    void method(MethodNode method) {
        annotations(method)
        type(method, method.returnType)
        parameters(method.parameters)
        current = method
        if (method.code != null) {
            method.code.visit(this)
        }
    }

    void annotations(AnnotatedNode node) {
        node.annotations.findAll { it.classNode.name != 'groovy.transform.Field' }
            .each { refuse(node, "annotation ${it.classNode.name}") }
    }

    private void parameters(Parameter[] parameters) {
        parameters?.each {
            annotations(it)
            type(it, it.type)
            if (it.initialExpression != null) {
                it.initialExpression = transform(it.initialExpression)
            }
        }
    }

    private static void type(ASTNode node, ClassNode type) {
        String name = (type.array ? type.componentType : type).name
        if (!(name in TYPES)) {
            refuse(node, "type ${name}")
        }
    }

    static void refuse(ASTNode node, String what) {
        ImportCheck.refuse(node, what)
    }

    void visitCatchStatement(CatchStatement statement) {
        ClassNode type = statement.exceptionType
        if (!type.isDerivedFrom(ClassHelper.make(Throwable)) && type != ClassHelper.DYNAMIC_TYPE && type != ClassHelper.OBJECT_TYPE) {
            refuse(statement, "catch of ${type.name}")
        }
        super.visitCatchStatement(statement)
    }

    void visitSynchronizedStatement(SynchronizedStatement statement) {
        refuse(statement, 'synchronized')
    }

    void visitForLoop(ForStatement loop) {
        if (loop.variable != ForStatement.FOR_LOOP_DUMMY) {
            type(loop, loop.variable.type)
        }
        super.visitForLoop(loop)
    }

    Expression transform(Expression expression) {
        Expression result = expression == null ? null : transformed(expression)
        if (result != null && !result.is(expression)) {
            result.sourcePosition = expression
        }
        result
    }

    private Expression transformed(Expression node) {
        switch (node) {
            case ClosureExpression: return closure((ClosureExpression) node)
            case MethodCallExpression: return call((MethodCallExpression) node)
            case ConstructorCallExpression: return construction((ConstructorCallExpression) node)
            case DeclarationExpression: return declaration((DeclarationExpression) node)
            case BinaryExpression: return binary((BinaryExpression) node)
            case AttributeExpression: refuse(node, 'direct field access')
            case PropertyExpression: return property((PropertyExpression) node)
            case CastExpression: type(node, node.type); return node.transformExpression(this)
            case VariableExpression: return variable((VariableExpression) node)
            case ClassExpression: refuse(node, "class ${node.type.name} as a value")
            case MethodPointerExpression: case ArrayExpression: case StaticMethodCallExpression:
                refuse(node, node.class.simpleName)
            case MapExpression: literal(node, node.mapEntryExpressions.size(), 125); return node.transformExpression(this)
            case ListExpression: literal(node, node.expressions.size(), 250); return node.transformExpression(this)
            case PostfixExpression: case PrefixExpression: return step(node)
            default: return node.transformExpression(this)
        }
    }

    private static void literal(ASTNode node, int size, int limit) {
        if (size > limit) {
            refuse(node, "a literal of ${size} entries (at most ${limit})")
        }
    }

    private Expression step(Expression node) {
        if (!(node.expression instanceof VariableExpression)) {
            refuse(node, 'an increment of anything but a variable')
        }
        node
    }

    private Expression variable(VariableExpression node) {
        if (node.name in HIDDEN) {
            refuse(node, node.name)
        }
        node
    }

    Expression closure(ClosureExpression node) {
        closures++
        parameters(node.parameters)
        node.code.visit(this)
        closures--
        node
    }

    private Expression construction(ConstructorCallExpression node) {
        if (node.specialCall) {
            return node
        }
        if (!(node.type.name in NEW)) {
            refuse(node, "new ${node.type.name}")
        }
        node.transformExpression(this)
    }

    private Expression declaration(DeclarationExpression node) {
        annotations(node)
        List<Expression> names = node.leftExpression instanceof TupleExpression ? node.leftExpression.expressions : [node.leftExpression]
        names.each { type(node, it.originType) }
        node.rightExpression = transform(node.rightExpression)
        node
    }

    private Expression binary(BinaryExpression node) {
        Expression left = node.leftExpression
        int operation = node.operation.type
        if (operation == Types.LEFT_SQUARE_BRACKET) {
            return checked('getAt', [transform(left), transform(node.rightExpression)])
        }
        if (operation in [Types.FIND_REGEX] ) {
            refuse(node, 'the =~ operator (its matcher cannot be saved)')
        }
        if (Types.ofType(operation, Types.ASSIGNMENT_OPERATOR)) {
            return assignment(node, left, operation)
        }
        if (operation == Types.KEYWORD_INSTANCEOF) {
            return new BinaryExpression(transform(left), node.operation, node.rightExpression)
        }
        new BinaryExpression(transform(left), node.operation, transform(node.rightExpression))
    }

    private Expression assignment(BinaryExpression node, Expression left, int operation) {
        if (left instanceof VariableExpression) {
            variable(left)
            return new BinaryExpression(left, node.operation, transform(node.rightExpression))
        }
        if (left instanceof TupleExpression) {
            return new BinaryExpression(left, node.operation, transform(node.rightExpression))
        }
        if (operation != Types.EQUAL) {
            refuse(node, 'a compound assignment to anything but a variable')
        }
        if (left instanceof PropertyExpression && !(left instanceof AttributeExpression)) {
            return checked('set', [receiver(left.objectExpression), transform(left.property), transform(node.rightExpression)])
        }
        if (left instanceof BinaryExpression && left.operation.type == Types.LEFT_SQUARE_BRACKET) {
            return checked('putAt', [transform(left.leftExpression), transform(left.rightExpression), transform(node.rightExpression)])
        }
        refuse(node, 'this assignment')
    }

    private Expression property(PropertyExpression node) {
        if (node.spreadSafe) {
            refuse(node, 'the spread operator')
        }
        if (node.objectExpression instanceof ClassExpression) {
            return checked('constant', [new ConstantExpression(node.objectExpression.type.name), node.property])
        }
        checked('get', [receiver(node.objectExpression), transform(node.property), new ConstantExpression(node.safe)])
    }

    private Expression receiver(Expression node) {
        if (node instanceof VariableExpression && node.thisExpression) {
            refuse(node, 'an explicit this')
        }
        transform(node)
    }

    private Expression call(MethodCallExpression node) {
        if (node.spreadSafe) {
            refuse(node, 'the spread operator')
        }
        if (node.implicitThis && node.objectExpression instanceof VariableExpression && node.objectExpression.thisExpression) {
            return implicit(node)
        }
        ListExpression arguments = list(node.arguments)
        if (node.objectExpression instanceof ClassExpression) {
            return checked('callStatic', [new ConstantExpression(node.objectExpression.type.name), transform(node.method), arguments])
        }
        checked('call', [receiver(node.objectExpression), transform(node.method), new ConstantExpression(node.safe), arguments])
    }

    private Expression implicit(MethodCallExpression node) {
        if (node.methodAsString == 'pipeline') {
            if (closures > 0 || current?.name != 'run') {
                refuse(node, 'a pipeline block that is not at the top')
            }
            Expression model = new DeclarativeTransform(this).pipeline(node)
            return new MethodCallExpression(VariableExpression.THIS_EXPRESSION, 'declarative', new ArgumentListExpression(model))
        }
        if (!(node.method instanceof ConstantExpression)) {
            refuse(node, 'a step with a computed name')
        }
        new MethodCallExpression(
            VariableExpression.THIS_EXPRESSION, 'invokeStep', new ArgumentListExpression(node.method, list(node.arguments)))
    }

    /** The arguments of a call as one list; named ones are a map in front. */
    ListExpression list(Expression arguments) {
        ListExpression list = new ListExpression()
        ((TupleExpression) arguments).expressions.each { Expression argument ->
            Expression plain = argument instanceof NamedArgumentListExpression ? new MapExpression(argument.mapEntryExpressions) : argument
            list.addExpression(transform(plain))
        }
        list
    }

    private static Expression checked(String method, List<Expression> arguments) {
        new StaticMethodCallExpression(SANDBOX, method, new ArgumentListExpression(arguments))
    }
}
