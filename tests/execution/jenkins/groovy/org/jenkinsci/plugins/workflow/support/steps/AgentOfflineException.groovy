package org.jenkinsci.plugins.workflow.support.steps

/** A step asked for the files of an agent that is gone (workflow-durable-task-step@46cb22ff). */
class AgentOfflineException extends IOException {
    AgentOfflineException(String message) {
        super(message)
    }
}
