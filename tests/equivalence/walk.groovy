// Runs compiled Jenkinsfiles as plain Groovy over steps that only remember. Prints one JSON object a case.
// Arguments: a JSON file of cases {file, codes: {instance: status or null}, deny: {node: text}, skip, fork}.
import groovy.json.JsonOutput
import groovy.json.JsonSlurper
import org.codehaus.groovy.control.CompilerConfiguration

class Lost extends RuntimeException {}

abstract class Steps extends Script {
    Map given
    List log = []
    String result = 'SUCCESS'
    List values = []
    static RESULTS = ['SUCCESS', 'UNSTABLE', 'FAILURE', 'NOT_BUILT', 'ABORTED']

    def value(String name) {
        def found = values.flatten().reverse().find { it.startsWith(name + '=') }
        found == null ? null : found.substring(name.length() + 1)
    }
    def instance() { value('MLCC_LEG') ? value('MLCC_NODE') + '--' + value('MLCC_LEG') : value('MLCC_NODE') }
    void worsen(String to) { if (RESULTS.indexOf(to) > RESULTS.indexOf(result)) { result = to } }

    def pipeline(Closure body) {}
    def node(String label, Closure body) { log << [step: 'node', label: label]; body() }
    def stage(String name, Closure body) { body() }
    def catchError(Map how, Closure body) {
        assert how.catchInterruptions == false
        try { body() } catch (Lost e) { worsen('ABORTED') } catch (IllegalStateException e) { worsen(how.buildResult) }
    }
    def parallel(Map branches) { branches.each { name, body -> body() } }
    def timeout(Map how, Closure body) { assert how.time > 0; body() }
    def dir(String path, Closure body) { body() }
    def lock(Map what, Closure body) { log << [step: 'lock', resource: what.resource]; body() }
    def input(Map how) { log << [step: 'input', submitter: how.submitter] }
    def sleep(Map how) { assert how.time > 0; log << [step: 'sleep'] }
    def withEnv(List more, Closure body) { values << more; try { body() } finally { values.pop() } }
    def withCredentials(List what, Closure body) { log << [step: 'credentials', ids: what*.credentialsId]; body() }
    def string(Map what) { what }
    def deleteDir() {}
    def checkout(Object what) { [GIT_COMMIT: 'c0ffee', GIT_URL: 'https://example.org/o/r.git'] }
    def stash(Map what) { assert !what.useDefaultExcludes; log << [step: 'stash', name: what.name] }
    def unstash(String name) { log << [step: 'unstash', name: name] }
    def archiveArtifacts(Map what) {}
    def junit(Map what) { assert what.skipMarkingBuildUnstable }
    def arbitraryFileCache(Map what) { what }
    def cache(Map how, Closure body) { body() }
    def getDocker() { [image: { String name -> [inside: { String how, Closure body -> body() }] }] }
    def error(String message) { throw new IllegalStateException(message) }
    def getScm() { [branches: [], extensions: [], userRemoteConfigs: []] }
    def getEnv() { given.env }
    def getCurrentBuild() { [getBuildCauses: { String name -> [] }, getPreviousSuccessfulBuild: { -> null }] }
    def fileExists(String path) { path == '_mlcc/outputs/deny' && given.deny[ended] != null }
    def readFile(Map what) {
        what.file.endsWith('/skip') ? given.skip : what.file.endsWith('/event') ? 'push' : given.deny[ended]
    }
    def writeFile(Map what) { log << [step: 'results', text: what.text] }
    String ended = null
    def sh(String script) { if (script.contains('run.py select') && given.skip == null) { throw new Lost() } }
    def sh(Map how) {
        if (how.returnStdout) { return 'abc\n' }
        if (how.script.contains('run.py final')) { return 0 }
        def code = given.codes[instance()]
        log << [step: 'run', instance: instance()]
        ended = value('MLCC_NODE')
        if (code == null) { throw new Lost() }
        code
    }
}


def cases = new JsonSlurper().parse(new File(args[0]))
cases.each { one ->
    def how = new CompilerConfiguration(scriptBaseClass: Steps.name)
    def script = new GroovyShell(this.class.classLoader, new Binding(), how).parse(new File(one.file))
    script.setGiven(one)
    script.run()
    script.choose()
    script.runAll()
    script.conclude()
    println(JsonOutput.toJson([ends: script.ENDS, log: script.log, result: script.result]))
}
