package runner

import hudson.AbortException

/**
 * `docker` (docker-workflow@3e04e4f5: Docker.groovy, WithContainerStep, DockerClient), through the `docker` on the PATH of
 * the agent: a test supplies one that records its arguments, and that runs what `exec` is given.
 */
class Docker implements PipelineObject {
    final JenkinsScript script

    Docker(JenkinsScript script) {
        this.script = script
    }

    Set<String> allowed() {
        ['image', 'build'] as Set
    }

    Image image(String id) {
        new Image(this, id)
    }

    /** `docker build -t TAG ARGUMENTS`; the arguments end with the folder. */
    Image build(String tag, String arguments = '.') {
        JenkinsScript.steps(script).invoke('sh', ["docker build -t '${tag}' ${arguments}".toString()])
        new Image(this, tag)
    }

    /** Output of one call of docker; a failure is an error of the build. */
    String run(List<String> arguments) {
        Build build = JenkinsScript.of(script)
        Frame frame = Frame.current()
        frame.agent('docker')
        Map environment = Environment.of(build, frame)
        List<String> command = [executable((String) environment.PATH)] + arguments*.toString()
        ProcessBuilder builder = new ProcessBuilder(command).directory(frame.folder)
        builder.environment().clear()
        builder.environment().putAll(environment)
        File errors = File.createTempFile('docker', '.txt', frame.tmp())
        Process process = builder.redirectInput(new File('/dev/null')).redirectError(errors).start()
        String output = process.inputStream.getText('UTF-8').trim()
        if (process.waitFor() != 0) {
            throw new AbortException("docker ${arguments[0]} failed: ${errors.text.trim()}")
        }
        output
    }

    static String executable(String path) {
        File found = (path ?: '').tokenize(':').collect { new File(it, 'docker') }.find { it.canExecute() }
        if (found == null) {
            throw new IOException('Cannot run program "docker": No such file or directory')
        }
        found.path
    }
}

class Image implements PipelineObject {
    private final Docker docker
    final String id

    Image(Docker docker, String id) {
        this.docker = docker
        this.id = id
    }

    Set<String> allowed() {
        ['inside', 'withRun', 'pull', 'imageName', 'getId', 'push'] as Set
    }

    String imageName() {
        id
    }

    void pull() {
        JenkinsScript.steps(docker.script).invoke('sh', ["docker pull '${id}'".toString()])
    }

    void push(String tag = 'latest') {
        JenkinsScript.steps(docker.script).invoke('sh', ["docker push '${id}'".toString()])
    }

    /**
     * The image is pulled when it isn't there; the container idles, and each sh is a docker exec in it. It sees the
     * folder of the step, which inside dir is not the whole workspace.
     */
    Object inside(String arguments = '', Closure body) {
        Frame frame = Frame.current()
        frame.agent('docker.inside')
        if (JenkinsScript.steps(docker.script).invoke('sh', [[script: "docker inspect -f . '${id}'".toString(), returnStatus: true]]) != 0) {
            pull()
        }
        List<String> volumes = [frame.folder.path, frame.tmp().path].collectMany { ['-v', "${it}:${it}:rw,z".toString()] }
        String container = docker.run(['run', '-t', '-d', '-u', user()] + arguments.tokenize() + ['-w', frame.folder.path] + volumes + [id, 'cat'])
        try {
            return frame.with(container: new Container(docker, container, frame.folder)).during(body)
        } finally {
            remove(container)
        }
    }

    Object withRun(String arguments = '', String command = '', Closure body) {
        String container = docker.run(['run', '-d'] + arguments.tokenize() + [id] + command.tokenize())
        try {
            return body.call(new Container(docker, container, Frame.current().folder))
        } finally {
            remove(container)
        }
    }

    private void remove(String container) {
        docker.run(['stop', '--time=1', container])
        docker.run(['rm', '-f', '--volumes', container])
    }

    private static String user() {
        ['-u', '-g'].collect { ['id', it].execute().text.trim() }.join(':')
    }
}

class Container implements PipelineObject {
    private final Docker docker
    private final File start
    final String id

    Container(Docker docker, String id, File start) {
        this.docker = docker
        this.id = id
        this.start = start
    }

    Set<String> allowed() {
        ['getId', 'port', 'stop'] as Set
    }

    String port(int number) {
        docker.run(['port', id, number.toString()])
    }

    void stop() {
        docker.run(['stop', id])
        docker.run(['rm', '-f', '--volumes', id])
    }

    /** What stands before a script that runs in a folder of this container, which is asked for where it isn't the first one. */
    List<String> prefix(File folder, Map<String, String> environment) {
        List<String> place = folder == start ? [] : ['--workdir', folder.path]
        List<String> variables = environment.findAll { name, value -> name != 'PATH' }.collectMany { name, value -> ['--env', "${name}=${value}".toString()] }
        [Docker.executable(environment.PATH), 'exec'] + place + variables + [id]
    }
}
