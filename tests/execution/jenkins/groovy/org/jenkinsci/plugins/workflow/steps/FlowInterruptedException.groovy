package org.jenkinsci.plugins.workflow.steps

/**
 * A body was interrupted: by an abort, a timeout, fail fast, a rejected input or a removed agent.
 *
 * `actualInterruption` is false when the interruption ends with the block that caused it, so that catchError and
 * retry take it for an ordinary failure (workflow-step-api; timeout sets it, workflow-basic-steps@a789b075).
 */
class FlowInterruptedException extends Exception {
    final String result
    boolean actualInterruption
    final List<String> causes
    /** What caused it, for the block that asks whether it was the one. */
    final Object origin

    FlowInterruptedException(String result, boolean actualInterruption, Object origin, List<String> causes) {
        super(causes.join(', '))
        this.result = result
        this.actualInterruption = actualInterruption
        this.origin = origin
        this.causes = causes
    }
}
