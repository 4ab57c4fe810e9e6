package runner

import hudson.AbortException
import java.util.concurrent.TimeUnit
import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

/**
 * Steps by name (workflow-cps@e007b7ff, DSL): arguments are checked by `Parameters`, blocks run by `Flow`. A name that is
 * none is refused, where Jenkins throws NoSuchMethodError, which catchError would hide.
 */
class Steps {
    final Build build
    final Flow flow
    private long milestone = -1

    Steps(Build build) {
        this.build = build
        flow = new Flow(build)
    }

    static String stageName(Frame frame) {
        frame.stages ? frame.stages.last().name : null
    }

    Object invoke(String name, List arguments) {
        List plain = new ArrayList(arguments)
        Closure body = plain && plain.last() instanceof Closure ? (Closure) plain.pop() : null
        if (name == 'parallel') {
            return flow.parallel((Map) parallelArguments(plain, body))
        }
        if (name in ['println', 'print']) {
            return invoke('echo', [String.valueOf(plain ? plain[0] : '')])
        }
        if (Parameters.SYMBOLS.containsKey(name) && body == null) {
            return [$class: name] + Parameters.named(build, name, Parameters.SYMBOLS[name], plain)
        }
        Map step = Parameters.STEPS[name]
        if (step == null) {
            throw build.refuse("No such DSL method '${name}' found among steps")
        }
        if (step.body != (body != null)) {
            throw step.body ? new IllegalStateException("${name} step must be called with a body") : build.refuse("${name} takes no block")
        }
        Map named = Parameters.named(build, name, step, plain)
        Frame frame = Frame.current()
        if (step.agent) {
            frame.agent(name)
        }
        step.body ? block(name, named, body, frame) : this.plain(name, named, frame)
    }

    private Object parallelArguments(List plain, Closure body) {
        boolean known = body == null && plain.size() == 1 && plain[0] instanceof Map
        if (!known) {
            throw build.refuse("parallel with the arguments ${plain}")
        }
        plain[0]
    }

    private Object block(String name, Map args, Closure body, Frame frame) {
        switch (name) {
            case 'catchError': return flow.catchError(args, body)
            case 'warnError': return flow.catchError([message: args.message, buildResult: 'UNSTABLE', stageResult: 'UNSTABLE', catchInterruptions: args.catchInterruptions], body)
            case 'timeout':
                if (args.activity) {
                    throw build.refuse('timeout: activity is not known to this runner')
                }
                return flow.timeout(milliseconds(args, 'MINUTES'), body)
            case 'retry': return flow.retry((int) args.count, (List<Map>) args.conditions, body)
            case 'waitUntil': return flow.waitUntil((long) (args.initialRecurrencePeriod ?: 250), body)
            case 'withEnv': return frame.with(overrides: frame.overrides + [variables((List) args.overrides)]).during(body)
            case 'dir': return frame.with(folder: Allocation.child(frame.folder, (String) args.path)).during(body)
            case 'ws': throw build.refuse('ws is not known to this runner')
            case 'stage': return flow.stage((String) args.name, body)
            case ['script', 'timestamps']: return body.call()
            case 'node': return flow.node((String) args.label, body)
            case 'lock': return flow.lock(args, body)
            case 'cache': return Caches.during(build, frame, args, body)
            case 'withCredentials': return Credentials.during(build, frame, Credentials.bind(build, frame, (List<Map>) args.bindings), body)
        }
        throw build.refuse("step ${name}")
    }

    private Object plain(String name, Map args, Frame frame) {
        switch (name) {
            case 'echo': build.print(frame, args.message); build.event(kind: 'echo', message: frame.mask(String.valueOf(args.message))); return null
            case 'error': throw new AbortException(args.message ?: '')
            case 'sleep': build.event(kind: 'sleep', allocation: frame.allocation?.number, stage: stageName(frame)); build.abortPoint('sleep', frame); build.pause(frame, milliseconds(args, 'SECONDS')); return null
            case 'unstable':
                build.warn(frame, 'UNSTABLE')
                build.worsen('UNSTABLE')
                build.print(frame, "WARNING: ${args.message}")
                return null
            case 'milestone': return reach((Integer) args.ordinal)
            case 'sh': return sh(args, frame)
            case 'checkout':
                return Scm.checkout(build, frame, args.scm)
            case 'stash': build.abortPoint('stash', frame); Storage.stash(build, frame, args); return null
            case 'unstash': build.abortPoint('unstash', frame); Storage.unstash(build, frame, (String) args.name); return null
            case 'archiveArtifacts': Storage.archive(build, frame, args); return null
            case 'junit': return Storage.junit(build, frame, args)
            case 'input': return flow.input(args)
            default: return onFiles(name, args, frame)
        }
    }

    private Object onFiles(String name, Map args, Frame frame) {
        File file = args.file == null ? null : Allocation.child(frame.folder, (String) args.file)
        String encoding = args.encoding ?: 'UTF-8'
        if (encoding == 'Base64') {
            throw build.refuse('the encoding Base64 is not known to this runner')
        }
        switch (name) {
            case 'deleteDir': frame.folder.deleteDir(); return null
            case 'isUnix': return true
            case 'pwd': return args.tmp ? frame.tmp().path : frame.folder.path
            case 'fileExists': return file.exists()
            case 'readFile':
                if (!file.exists()) {
                    throw new java.nio.file.NoSuchFileException(file.path)
                }
                return file.getText(encoding)
            case 'writeFile': file.parentFile.mkdirs(); file.setText((String) args.text, encoding); return null
        }
        throw build.refuse("step ${name}")
    }

    private Object reach(Integer ordinal) {
        long next = ordinal == null ? milestone + 1 : ordinal
        if (next <= milestone) {
            throw new AbortException("Invalid ordinal ${ordinal}, as the previous one was ${milestone}")
        }
        milestone = next
        build.event(kind: 'milestone', ordinal: next)
        null
    }

    /** Name=value pairs; a name alone means an empty value (EnvStep). */
    private static Map<String, String> variables(List overrides) {
        overrides.collectEntries { Object item ->
            String pair = item.toString()
            int equal = pair.indexOf('=')
            equal < 0 ? [pair, ''] : [pair.substring(0, equal), pair.substring(equal + 1)]
        }
    }

    static long milliseconds(Map args, String unit) {
        TimeUnit.valueOf((String) (args.unit ?: unit)).toMillis((long) args.time)
    }

    /** DurableTaskStep: an interruption stops the process first, and is thrown when it has ended. */
    private Object sh(Map args, Frame frame) {
        if (args.returnStatus && args.returnStdout) {
            throw new IllegalArgumentException('Cannot specify both returnStatus and returnStdout')
        }
        Map environment = Environment.of(build, frame)
        Map facts = [stage: stageName(frame), allocation: frame.allocation.number, node: environment.MLCC_NODE, label: args.label]
        build.event([kind: 'sh', script: frame.mask((String) args.script)] + facts)
        List<String> prefix = frame.container?.prefix(frame.folder, environment) ?: []
        Shell shell = new Shell((String) args.script, frame.folder, frame.tmp(), environment, args.returnStdout as boolean, prefix)
        Shell.Ended ended
        try {
            build.await(frame) { Wait wait ->
                watch(shell, wait, frame)
                ended = shell.ended()
            }
        } catch (FlowInterruptedException interrupted) {
            ended = ended ?: shell.ended()
            build.print(frame, ended.output + ended.errors)
            build.event([kind: 'sh-end', interrupted: interrupted.message] + facts)
            throw interrupted
        }
        build.print(frame, args.returnStdout ? ended.errors : ended.output)
        build.event([kind: 'sh-end', status: ended.status] + facts)
        if (args.returnStatus) {
            return ended.status
        }
        if (ended.status != 0) {
            throw new AbortException("script returned exit code ${ended.status}")
        }
        args.returnStdout ? ended.output : null
    }

    private void watch(Shell shell, Wait wait, Frame frame) {
        Map fault = build.fault('sh', frame)
        long due = fault == null ? Long.MAX_VALUE : System.nanoTime() + (long) (fault.after * 1e9)
        while (!shell.waitFor(10)) {
            if (wait.cause != null) {
                build.print(frame, 'Sending interrupt signal to process')
                shell.stop((double) build.scenario.kill_grace)
                return
            }
            if (System.nanoTime() >= due) {
                due = Long.MAX_VALUE
                happen(fault, wait, frame)
            }
        }
        if (due != Long.MAX_VALUE) {
            happen(fault, wait, frame)
        }
    }

    /** A lost agent ends a running sh with an interruption that isn't one of the build (RemovedNodeCause). */
    private void happen(Map fault, Wait wait, Frame frame) {
        if (fault.act == 'abort') {
            build.abort('Aborted by the scenario at sh')
        } else {
            wait.interrupt(new FlowInterruptedException('ABORTED', false, frame.allocation, ['Agent was removed']))
            frame.allocation.lose()
        }
    }
}
