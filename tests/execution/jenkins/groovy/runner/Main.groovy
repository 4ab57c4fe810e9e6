package runner

import groovy.json.JsonOutput
import java.util.concurrent.Executors
import java.util.concurrent.ExecutorService
import java.util.concurrent.Future
import org.codehaus.groovy.control.CompilationFailedException
import org.codehaus.groovy.control.CompilerConfiguration
import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

/**
 * `Main SCENARIO...` runs builds, two at a time; with `--serve` the paths come line by line on standard input, and
 * each line of the answer is a path, a tab, and an exit status: 0 the build ran, 3 the Jenkinsfile or the scenario is
 * refused, 4 the build had no end within the scenario's time_limit, 5 the runner itself is broken.
 */
class Main {
    private static final int BUILDS = 2
    /** Milliseconds that a stopped build has to end by itself. */
    private static final long LAST_WORDS = 5000

    static void main(String[] arguments) {
        ExecutorService pool = Executors.newFixedThreadPool(BUILDS)
        List<Future> started = []
        int worst = 0
        if (arguments && arguments[0] == '--serve') {
            System.in.eachLine { String path -> started << pool.submit { serve(path) } }
        } else {
            started = arguments.collect { String path -> pool.submit({ run(path) } as java.util.concurrent.Callable) }
        }
        started.each { Future future -> worst = Math.max(worst, (int) (future.get() ?: 0)) }
        pool.shutdownNow()
        System.exit(worst)
    }

    /** Whatever happens, there is an answer. */
    private static void serve(String path) {
        int status = 5
        try {
            status = run(path)
        } catch (Throwable broken) {
            new File(new File(path).parentFile, 'refused.json').setText(JsonOutput.toJson([error: Build.trace(broken)]), 'UTF-8')
        } finally {
            System.out.println(path + '\t' + status)
            System.out.flush()
        }
    }

    static int run(String path) {
        Build build
        try {
            build = new Build(new Scenario(new File(path)))
        } catch (Throwable refused) {
            new File(new File(path).parentFile, 'refused.json').setText(JsonOutput.toJson([error: refused.toString()]), 'UTF-8')
            return 3
        }
        Map outcome = [error: null, timed_out: false]
        Thread thread = new Thread({ outcome.putAll(execute(build)) })
        thread.start()
        thread.join((long) (build.scenario.time_limit * 1000))
        outcome.timed_out = thread.alive
        if (thread.alive) {
            build.stop()
            thread.join(LAST_WORDS)
        }
        build.finish(outcome + [
            result: build.result ?: 'SUCCESS', description: build.description, display_name: build.displayName,
            stages: new ArrayList<>(build.stages).collect { [name: it.name, result: it.skipped ? 'SKIPPED' : it.result] },
            refused: build.refusal, broken: build.broken,
        ])
        build.broken != null ? 5 : outcome.timed_out ? 4 : build.refusal != null ? 3 : 0
    }

    /** The build's own thread. Its error, if any, is the last line of the log, as in Jenkins. */
    private static Map execute(Build build) {
        String error = null
        build.turn.lock()
        Frame.enter(new Frame())
        try {
            JenkinsScript script = compile(build)
            script.start(build)
            script.run()
        } catch (RunnerError refused) {
            build.refuse(refused.message)
        } catch (CompilationFailedException failed) {
            if (failed.message.contains('General error')) {
                build.broken = Build.trace(failed)
            }
            build.refuse(failed.message)
        } catch (Throwable thrown) {
            try {
                build.own(thrown)
            } catch (RunnerError broken) {
                thrown.addSuppressed(broken)
            }
            error = thrown.toString()
            build.worsen(thrown instanceof FlowInterruptedException ? thrown.result : 'FAILURE')
            build.print(null, Build.trace(thrown))
        } finally {
            build.turn.unlock()
        }
        [error: error]
    }

    private static JenkinsScript compile(Build build) {
        CompilerConfiguration configuration = new CompilerConfiguration()
        configuration.scriptBaseClass = JenkinsScript.name
        configuration.disabledGlobalASTTransformations = ['groovy.grape.GrabAnnotationTransformation'] as Set
        configuration.addCompilationCustomizers(new ImportCheck(), new SandboxTransform())
        String text = new File((String) build.scenario.jenkinsfile).getText('UTF-8')
        (JenkinsScript) new GroovyShell(Main.classLoader, new Binding(), configuration).parse(text, 'WorkflowScript')
    }
}
