package runner

import org.jenkinsci.plugins.workflow.steps.FlowInterruptedException
import org.jenkinsci.plugins.workflow.support.steps.AgentOfflineException

/**
 * One executor of an agent with its workspace, from the start of a node block to its end
 * (workflow-durable-task-step@46cb22ff, ExecutorStepExecution).
 */
class Allocation {
    final Build build
    final String label
    final int slot
    final int number
    final File workspace
    final String cookie
    volatile boolean lost = false

    Allocation(Build build, String label, int slot, int number) {
        this.build = build
        this.label = label
        this.slot = slot
        this.number = number
        String name = build.scenario.reuse_workspaces ? "${label}-${slot}" : "${label}-${slot}-${number}"
        workspace = new File(build.folder, 'workspaces/' + name.replaceAll('[^A-Za-z0-9_.-]', '_'))
        workspace.mkdirs()
        cookie = UUID.randomUUID()
        build.agents << this
    }

    /** An executor of this label; null stands for any label. Unknown labels fail, or wait for an agent for ever. */
    static Allocation take(Build build, Frame frame, String label) {
        Map agents = (Map) build.scenario.agents
        String wanted = label ?: agents.keySet().find { true }
        if (wanted == null || !agents.containsKey(wanted)) {
            build.event(kind: 'no-agent', label: label)
            if (build.scenario.missing_agent == 'fail') {
                throw new FlowInterruptedException('ABORTED', true, null, ["There are no nodes with the label '${label}'".toString()])
            }
            build.await(frame) { Wait wait -> wait.sleep(Long.MAX_VALUE.intdiv(4_000_000)) }
        }
        Integer slot = build.controller.slot(wanted, (int) agents[wanted])
        if (slot == null) {
            try {
                build.await(frame) { Wait wait ->
                    while (slot == null && wait.sleep(20)) {
                        slot = build.controller.slot(wanted, (int) agents[wanted])
                    }
                }
            } catch (Throwable interrupted) {
                if (slot != null) {
                    build.controller.giveBack(wanted, slot)
                }
                throw interrupted
            }
        }
        new Allocation(build, wanted, slot, build.numbers.incrementAndGet())
    }

    Map<String, String> environment() {
        [
            NODE_NAME: "${label}-${slot}".toString(), NODE_LABELS: label, EXECUTOR_NUMBER: slot.toString(),
            WORKSPACE: workspace.path, WORKSPACE_TMP: workspace.path + '@tmp', JENKINS_NODE_COOKIE: cookie,
        ]
    }

    /** Raise when the agent is gone: its files can't be reached any more. */
    void live() {
        if (lost) {
            throw new AgentOfflineException("Unable to create live FilePath for ${label}-${slot}; ${label}-${slot} was marked offline")
        }
    }

    /** The agent is lost: its processes and its workspace are gone. A lost agent is replaced by an empty one. */
    void lose() {
        lost = true
        build.event(kind: 'agent-lost', label: label, allocation: number)
        Shell.kill('JENKINS_NODE_COOKIE', cookie, 0)
        [workspace, new File(workspace.path + '@tmp')].each { if (it.exists()) { it.deleteDir() } }
    }

    /** The end of the node block kills what its steps left running. */
    void release() {
        if (!lost) {
            Shell.kill('JENKINS_NODE_COOKIE', cookie, (double) build.scenario.kill_grace)
        }
        build.controller.giveBack(label, slot)
    }

    /** A file below `folder`, relative or absolute as FilePath.child takes it. */
    static File child(File folder, String path) {
        File file = new File(path)
        file.absolute ? file : new File(folder, path).toPath().normalize().toFile()
    }
}
