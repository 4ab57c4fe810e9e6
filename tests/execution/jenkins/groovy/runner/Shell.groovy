package runner

import groovy.transform.CompileStatic
import java.nio.charset.StandardCharsets
import java.util.concurrent.TimeUnit

/**
 * Really run a script as durable-task@8dcdaa8d does (BourneShellScript): `sh -xe FILE`, or the file itself when it names
 * its interpreter; output goes to files, so that a process left behind holds nothing up. Stopping kills every process
 * that inherited the cookie, with SIGTERM and then SIGKILL (hudson.util.ProcessTree).
 */
@CompileStatic
class Shell {
    /** What a script left: its exit status, and its text. */
    static class Ended {
        int status
        String output
        String errors
    }

    final String cookie
    private final Process process
    private final File control
    private final File out
    private final File err

    Shell(String script, File folder, File tmp, Map<String, String> environment, boolean apart, List<String> prefix) {
        cookie = 'durable-' + UUID.randomUUID()
        control = new File(tmp, cookie)
        control.mkdirs()
        File file = new File(control, 'script.sh.copy')
        file.setText(script, 'UTF-8')
        out = new File(control, 'output.txt')
        err = new File(control, 'jenkins-log.txt')
        List<String> command = new ArrayList<String>(prefix)
        if (script.startsWith('#!')) {
            file.setExecutable(true)
            command.add(file.path)
        } else {
            command.addAll(['sh', '-xe', file.path])
        }
        folder.mkdirs()
        ProcessBuilder builder = new ProcessBuilder(command).directory(folder)
        builder.environment().clear()
        builder.environment().putAll(environment)
        builder.environment().put('PWD', folder.path)
        builder.environment().put('JENKINS_SERVER_COOKIE', cookie)
        builder.redirectInput(new File('/dev/null')).redirectOutput(out)
        if (apart) {
            builder.redirectError(err)
        } else {
            builder.redirectErrorStream(true)
        }
        process = builder.start()
    }

    boolean waitFor(long milliseconds) {
        process.waitFor(milliseconds, TimeUnit.MILLISECONDS)
    }

    void stop(double grace) {
        kill('JENKINS_SERVER_COOKIE', cookie, grace)
        process.destroy()
        if (!process.waitFor((long) (grace * 1000), TimeUnit.MILLISECONDS)) {
            process.destroyForcibly()
        }
        process.waitFor()
    }

    Ended ended() {
        process.waitFor()
        Ended ended = new Ended(status: process.exitValue(), output: text(out), errors: text(err))
        control.deleteDir()
        ended
    }

    private static String text(File file) {
        file.exists() ? new String(file.bytes, StandardCharsets.UTF_8) : ''
    }

    /** Kill every process whose environment has `name=value`: SIGTERM, and after `grace` seconds SIGKILL. */
    static void kill(String name, String value, double grace) {
        List<String> victims = having(name, value)
        if (grace > 0) {
            signal('TERM', victims)
            long end = System.nanoTime() + (long) (grace * 1e9d)
            while (System.nanoTime() < end && !(victims = having(name, value)).empty) {
                Thread.sleep(20)
            }
        }
        signal('KILL', victims)
    }

    private static void signal(String name, List<String> victims) {
        if (!victims.empty) {
            List<String> command = new ArrayList<String>(['sh', '-c', 'kill -' + name + ' "$@" 2>/dev/null', 'sh'])
            command.addAll(victims)
            new ProcessBuilder(command).start().waitFor()
        }
    }

    private static List<String> having(String name, String value) {
        String wanted = '\0' + name + '=' + value + '\0'
        List<String> found = new ArrayList<String>()
        for (File folder : new File('/proc').listFiles()) {
            if (Character.isDigit(folder.name.charAt(0)) && has(folder, wanted)) {
                found.add(folder.name)
            }
        }
        found
    }

    private static boolean has(File folder, String wanted) {
        try {
            byte[] bytes = java.nio.file.Files.readAllBytes(new File(folder, 'environ').toPath())
            return ('\0' + new String(bytes, StandardCharsets.ISO_8859_1) + '\0').contains(wanted)
        } catch (IOException gone) {
            return false
        }
    }
}
