package runner

import groovy.json.JsonOutput
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.locks.ReentrantLock
import org.codehaus.groovy.runtime.typehandling.GroovyCastException
import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException

/**
 * The state of one run: result, environment, log, events, and who may run Groovy code.
 *
 * workflow-cps@e007b7ff runs a build's Groovy code on one thread that changes branches only where a step waits
 * (CpsThreadGroup). Branches are real threads here, but only the holder of `turn` runs Groovy code, and it gives the
 * turn away only while a step waits: lists and counters shared by branches behave as they do in Jenkins.
 */
class Build {
    /** Where a scenario may let something happen. */
    static final List<String> POINTS = ['node', 'checkout', 'sh', 'stage', 'stash', 'unstash', 'input', 'lock', 'sleep'].asImmutable()

    final Scenario scenario
    final Controller controller
    final File folder
    final ReentrantLock turn = new ReentrantLock(true)
    final AtomicInteger numbers = new AtomicInteger()
    final Map<String, String> env = [:]
    final List<StageNode> stages = Collections.synchronizedList([])
    final List<Wait> waits = new CopyOnWriteArrayList<>()
    final Set<Map> spent = Collections.newSetFromMap(new IdentityHashMap())
    final List<Allocation> agents = Collections.synchronizedList([])
    final Map<String, File> stashes = Collections.synchronizedMap([:])
    final List<Map> events = []
    final ScmGlobal scm
    private final PrintWriter log
    private volatile String refusal
    volatile String broken
    /** null until something sets it, as Run.getResult() is. */
    String result
    String description
    String displayName

    Build(Scenario scenario) {
        this.scenario = scenario
        this.controller = Controller.of((String) scenario.controller)
        folder = new File((String) scenario.folder)
        folder.mkdirs()
        scm = new ScmGlobal((String) scenario.repository, (String) scenario.commit)
        log = new PrintWriter(new OutputStreamWriter(new FileOutputStream(new File(folder, 'log.txt')), 'UTF-8'), true)
        displayName = '#' + scenario.number
    }

    void event(Map fields) {
        synchronized (events) {
            events << ([number: events.size(), at: System.nanoTime().intdiv(1_000_000)] + fields)
        }
    }

    void print(Frame frame, Object text) {
        String masked = frame == null ? text.toString() : frame.mask(text.toString())
        synchronized (log) {
            log.println(masked)
        }
    }

    /** Refuse the Jenkinsfile: nothing that it catches makes the run succeed. */
    RunnerError refuse(String message) {
        synchronized (events) {
            if (refusal == null) {
                refusal = message
                event(kind: 'refused', message: message)
            }
        }
        new RunnerError(message)
    }

    /** An error of the runner itself must not pass for one of the Jenkinsfile. */
    void own(Throwable error) {
        boolean unforeseen = error instanceof GroovyRuntimeException || error instanceof NullPointerException ||
            error instanceof GroovyCastException || error instanceof IndexOutOfBoundsException
        String thrower = error.stackTrace*.className.find { it.startsWith('runner.') || it.startsWith('WorkflowScript') } ?: ''
        boolean own = unforeseen && thrower.startsWith('runner.') && !(thrower in ['runner.Sandbox', 'runner.JenkinsScript'])
        if (error instanceof RunnerError || error instanceof LinkageError || error instanceof VirtualMachineError || own) {
            if (!(error instanceof RunnerError)) {
                broken = broken ?: trace(error)
            }
            throw refuse(error instanceof RunnerError ? error.message : "the runner is broken: ${error}")
        }
    }

    static String trace(Throwable error) {
        StringWriter trace = new StringWriter()
        error.printStackTrace(new PrintWriter(trace))
        trace
    }

    String getRefusal() {
        refusal
    }

    /** WorkflowRun.setResult: the result only ever gets worse. */
    void worsen(String other) {
        if (result == null || Result.worse(other, result)) {
            result = other
            event(kind: 'result', result: other)
        }
    }

    /** WarningAction on a step's node: every enclosing stage shows it. */
    void warn(Frame frame, String stageResult) {
        frame.stages.each { it.worsen(stageResult) }
    }

    /**
     * Give the turn away while `body` waits; an interruption that meets the waiting step is thrown at its end.
     *
     * `body` is given the `Wait`, and has to look at it.
     */
    Object await(Frame frame, Closure body) {
        Wait wait = new Wait(frame)
        waits << wait
        turn.unlock()
        Object value = null
        Throwable failure = null
        try {
            value = body.call(wait)
        } catch (Throwable error) {
            failure = error
        } finally {
            turn.lock()
            waits.remove(wait)
        }
        if (refusal != null) {
            throw new RunnerError(refusal)
        }
        if (wait.cause != null) {
            throw wait.cause
        }
        if (failure != null) {
            throw failure
        }
        value
    }

    /** Interrupt every waiting step whose frame `chosen` accepts, the youngest first. */
    void interrupt(Throwable cause, Closure<Boolean> chosen) {
        turn.lock()
        try {
            List<Wait> current = new ArrayList<>(waits).reverse()
            current.findAll { chosen.call(it.frame) }.each { it.interrupt(cause) }
        } finally {
            turn.unlock()
        }
    }

    /** A user aborts the build (CpsFlowExecution.interrupt, workflow-cps@e007b7ff): result first, then every step. */
    void abort(String reason) {
        event(kind: 'abort', reason: reason)
        turn.lock()
        try {
            worsen('ABORTED')
            interrupt(new FlowInterruptedException('ABORTED', true, null, [reason])) { true }
        } finally {
            turn.unlock()
        }
    }

    /** Wait, interruptibly; scaled by the scenario's time_scale. */
    void pause(Frame frame, long milliseconds) {
        await(frame) { Wait wait -> wait.sleep((long) (milliseconds * scenario.time_scale)) }
    }

    /** Let the scenario's faults happen that belong to this point; returns the fault that hits the caller, or null. */
    Map fault(String point, Frame frame, Map facts = [:]) {
        Map found
        synchronized (spent) {
            found = scenario.faults.find { Map fault -> !spent.contains(fault) && matches(fault, point, frame, facts) }
            if (found != null) {
                spent << found
            }
        }
        found
    }

    private boolean matches(Map fault, String point, Frame frame, Map facts) {
        Map environment = Environment.of(this, frame)
        fault.at == point &&
            (fault.stage == null || frame.stages.any { it.name == fault.stage }) &&
            (fault.allocation == null || frame.allocation?.number == fault.allocation) &&
            (fault.resource == null || facts.resource == fault.resource) &&
            fault.env.every { name, value -> environment[name] == value }
    }

    /** At a point without an own wait, an abort arrives while this step is waiting. */
    void abortPoint(String point, Frame frame, Map facts = [:]) {
        Map fault = fault(point, frame, facts)
        if (fault == null) {
            return
        }
        if (fault.act == 'lose') {
            Allocation agent = frame.allocation
            if (agent == null) {
                throw refuse("scenario: no agent can be lost at ${point}")
            }
            agent.lose()
            agent.live()
            return
        }
        await(frame) { Wait wait ->
            wait.sleep((long) (fault.after * 1000))
            abort("Aborted by the scenario at ${point}")
        }
    }

    /** Leave nothing running of a build that doesn't end. */
    void stop() {
        refuse('the build had no end within its time limit')
        waits.each { it.interrupt(new RunnerError(refusal)) }
        synchronized (agents) {
            agents.each { Shell.kill('JENKINS_NODE_COOKIE', it.cookie, 0) }
        }
    }

    void finish(Map outcome) {
        List<Map> all
        synchronized (events) {
            all = new ArrayList<>(events)
        }
        new File(folder, 'events.json').setText(JsonOutput.toJson(all), 'UTF-8')
        new File(folder, 'result.json').setText(JsonOutput.toJson(outcome), 'UTF-8')
        log.close()
    }
}

/** A step that waits, and what interrupts it. */
class Wait {
    final Frame frame
    volatile Throwable cause

    Wait(Frame frame) {
        this.frame = frame
    }

    synchronized void interrupt(Throwable cause) {
        if (this.cause == null) {
            this.cause = cause
            notifyAll()
        }
    }

    /** True when the whole time passed. */
    synchronized boolean sleep(long milliseconds) {
        long end = System.nanoTime() + milliseconds * 1_000_000
        while (cause == null) {
            long left = (end - System.nanoTime()).intdiv(1_000_000)
            if (left <= 0) {
                return true
            }
            wait(left)
        }
        false
    }
}
