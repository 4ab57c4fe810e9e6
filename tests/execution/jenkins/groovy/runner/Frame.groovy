package runner

/**
 * The dynamic surroundings of a step: agent, folder, environment, secrets, enclosing stages and scopes.
 *
 * Frames are never changed, only derived; each thread has a current one, and a branch starts with its parent's.
 */
class Frame {
    private static final ThreadLocal<Frame> CURRENT = new ThreadLocal<>()

    final Allocation allocation
    final File folder
    final List<Map<String, String>> overrides
    final List<String> secrets
    final List<StageNode> stages
    final List<Object> scopes
    final Container container

    Frame(Map fields = [:]) {
        allocation = (Allocation) fields.allocation
        folder = (File) fields.folder
        overrides = (List) (fields.overrides ?: [])
        secrets = (List) (fields.secrets ?: [])
        stages = (List) (fields.stages ?: [])
        scopes = (List) (fields.scopes ?: [])
        container = (Container) fields.container
    }

    Frame with(Map changes) {
        new Frame([
            allocation: allocation, folder: folder, overrides: overrides, secrets: secrets, stages: stages,
            scopes: scopes, container: container,
        ] + changes)
    }

    static Frame current() {
        CURRENT.get()
    }

    static void enter(Frame frame) {
        CURRENT.set(frame)
    }

    /** WorkspaceList.tempDir of the step's folder: beside it, and so inside the workspace where dir is in use. */
    File tmp() {
        File tmp = new File(folder.path + '@tmp')
        tmp.mkdirs()
        tmp
    }

    /** Run `body` with this frame as the current one. */
    Object during(Closure body) {
        Frame before = CURRENT.get()
        CURRENT.set(this)
        try {
            return body.call()
        } finally {
            CURRENT.set(before)
        }
    }

    String mask(String text) {
        secrets.inject(text) { String line, String secret -> secret ? line.replace(secret, '****') : line }
    }

    /** The agent of this frame; Jenkins' MissingContextVariableException where there is none. */
    Allocation agent(String step) {
        if (allocation == null) {
            throw new MissingAgent("Required context class hudson.FilePath is missing for ${step}: it needs a node")
        }
        allocation.live()
        allocation
    }
}

/** A step that needs an agent was called outside one (workflow-step-api: MissingContextVariableException). */
class MissingAgent extends Exception {
    MissingAgent(String message) {
        super(message)
    }
}

/** A stage as it is entered; `result` is the worst of its warnings and errors. */
class StageNode {
    final String name
    final int number
    volatile String result = 'SUCCESS'
    volatile boolean skipped = false

    StageNode(String name, int number) {
        this.name = name
        this.number = number
    }

    synchronized void worsen(String other) {
        result = Result.worst(result, other)
    }
}
