package runner

/**
 * The Jenkinsfile asks for something that this runner doesn't know or that Jenkins would refuse.
 *
 * It ends the run with exit status 3 even where the Jenkinsfile catches it: see `Build.refuse`.
 */
class RunnerError extends Error {
    RunnerError(String message) {
        super(message)
    }
}
