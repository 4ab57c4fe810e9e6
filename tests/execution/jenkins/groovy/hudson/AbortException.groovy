package hudson

/** Jenkins core's exception for an expected failure: its message is the log line, without a stack trace. */
class AbortException extends IOException {
    AbortException(String message) {
        super(message)
    }
}
