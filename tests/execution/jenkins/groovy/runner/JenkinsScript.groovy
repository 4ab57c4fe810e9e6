package runner

import groovy.transform.CompileStatic
import org.codehaus.groovy.runtime.InvokerHelper
import org.codehaus.groovy.runtime.InvokerInvocationException

/** The base class of a compiled Jenkinsfile (workflow-cps@e007b7ff, CpsScript): steps, global variables, own methods. */
@CompileStatic
abstract class JenkinsScript extends Script {
    private static final InheritableThreadLocal<Build> RUNNING = new InheritableThreadLocal<Build>()

    // Named so that no variable of a Jenkinsfile is taken for one of these.
    protected Build runnerBuild
    protected Steps runnerSteps
    protected Map<String, Object> runnerGlobals
    protected Set<String> runnerMethods
    protected Set<String> runnerFields

    static Build running() {
        RUNNING.get()
    }

    static Build of(JenkinsScript script) {
        script.@runnerBuild
    }

    static Steps steps(JenkinsScript script) {
        script.@runnerSteps
    }

    void start(Build build) {
        RUNNING.set(build)
        this.@runnerBuild = build
        this.@runnerSteps = new Steps(build)
        Map<String, Object> globals = new HashMap<String, Object>()
        globals.put('env', new EnvGlobal(build))
        globals.put('params', Collections.unmodifiableMap((Map) build.scenario.values.get('params')))
        globals.put('currentBuild', new CurrentBuild(build))
        globals.put('scm', build.scm)
        globals.put('docker', new Docker(this))
        this.@runnerGlobals = globals
        this.@runnerMethods = new HashSet<String>()
        for (java.lang.reflect.Method method : this.class.declaredMethods) {
            if (!method.synthetic && method.name != 'run' && method.name != 'main') {
                this.@runnerMethods.add(method.name)
            }
        }
        this.@runnerFields = new HashSet<String>()
        for (java.lang.reflect.Field field : this.class.declaredFields) {
            if (!field.synthetic && !field.name.startsWith('$') && !field.name.startsWith('__')) {
                this.@runnerFields.add(field.name)
            }
        }
    }

    Object invokeStep(String name, List arguments) {
        try {
            if (this.@runnerMethods.contains(name)) {
                return InvokerHelper.invokeMethod(this, name, arguments.toArray())
            }
            if (getBinding().hasVariable(name) && getBinding().getVariable(name) instanceof Closure) {
                return ((Closure) getBinding().getVariable(name)).call(arguments.toArray())
            }
            return this.@runnerSteps.invoke(name, arguments)
        } catch (InvokerInvocationException wrapped) {
            throw wrapped.cause
        }
    }

    Object declarative(Map model) {
        new Interpreter(this, model).run()
    }

    Object getProperty(String name) {
        if (getBinding().hasVariable(name)) {
            return getBinding().getVariable(name)
        }
        if (this.@runnerGlobals == null || this.@runnerFields.contains(name)) {
            return InvokerHelper.getMetaClass((GroovyObject) this).getProperty(this, name)
        }
        if (this.@runnerGlobals.containsKey(name)) {
            return this.@runnerGlobals.get(name)
        }
        if (name == 'jenkins' || name == 'hudson' || name == 'Jenkins' || name == 'Hudson' || name == 'steps') {
            throw this.@runnerBuild.refuse(name + ' is refused by the sandbox, or not known to this runner')
        }
        String value = Environment.of(this.@runnerBuild, Frame.current()).get(name)
        if (value == null) {
            throw new MissingPropertyException(name, this.class)
        }
        value
    }

    void setProperty(String name, Object value) {
        if (this.@runnerGlobals != null && this.@runnerGlobals.containsKey(name)) {
            throw this.@runnerBuild.refuse('a variable of the name of the global ' + name)
        }
        if (this.@runnerGlobals == null || this.@runnerFields.contains(name)) {
            InvokerHelper.getMetaClass((GroovyObject) this).setProperty(this, name, value)
        } else {
            getBinding().setVariable(name, value)
        }
    }
}
