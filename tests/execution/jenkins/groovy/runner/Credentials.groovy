package runner

import hudson.AbortException

/**
 * Secrets of the scenario, bound to variables and masked (credentials-binding@0331934a: BindingStep and its bindings;
 * pipeline-model-definition@42c9dc3e's `credentials()`).
 */
class Credentials {
    /** What a binding yields. */
    static class Bound {
        Map<String, String> variables = [:]
        List<String> secrets = []
        List<File> files = []
    }

    static Bound bind(Build build, Frame frame, List<Map> bindings) {
        Bound bound = new Bound()
        bindings.each { Map binding -> bindOne(build, frame, binding, bound) }
        bound
    }

    private static void bindOne(Build build, Frame frame, Map binding, Bound bound) {
        String id = binding.credentialsId
        Object value = known(build, id)
        switch (binding.$class) {
            case 'string':
                String secret = value instanceof Map ? value.string : value
                required(secret, id, 'secret text')
                put(bound, (String) binding.variable, secret, true)
                break
            case 'file':
                String text = value instanceof Map ? value.file : null
                required(text, id, 'secret file')
                put(bound, (String) binding.variable, secretFile(frame, id, text, bound).path, true)
                break
            case 'usernamePassword':
                Map pair = value instanceof Map && value.username != null ? value : [:]
                required(pair.password, id, 'user name with password')
                put(bound, (String) binding.usernameVariable, (String) pair.username, false)
                put(bound, (String) binding.passwordVariable, (String) pair.password, true)
                break
            default:
                throw build.refuse("withCredentials: unknown binding ${binding}")
        }
    }

    /** `NAME = credentials('id')`: user names with passwords yield three variables. */
    static Bound ofDirective(Build build, Frame frame, String variable, String id) {
        Object value = known(build, id)
        Bound bound = new Bound()
        if (value instanceof Map && value.username != null) {
            put(bound, variable, value.username + ':' + value.password, true)
            put(bound, variable + '_USR', (String) value.username, false)
            put(bound, variable + '_PSW', (String) value.password, true)
            return bound
        }
        String kind = value instanceof Map && value.file != null ? 'file' : 'string'
        bindOne(build, frame, [$class: kind, credentialsId: id, variable: variable], bound)
        bound
    }

    private static Object known(Build build, String id) {
        if (!build.scenario.credentials.containsKey(id)) {
            throw new AbortException("Could not find credentials entry with ID '${id}'")
        }
        build.event(kind: 'credentials', id: id)
        build.scenario.credentials[id]
    }

    private static void required(Object value, String id, String kind) {
        if (value == null) {
            throw new AbortException("Credentials '${id}' is of another type where '${kind}' was expected")
        }
    }

    private static void put(Bound bound, String variable, String value, boolean secret) {
        bound.variables[variable] = value
        if (secret) {
            bound.secrets << value
        }
    }

    private static File agentTmp(Frame frame) {
        frame.agent('withCredentials')
        frame.tmp()
    }

    private static File secretFile(Frame frame, String id, String text, Bound bound) {
        File folder = new File(agentTmp(frame), 'secretFiles/' + UUID.randomUUID())
        folder.mkdirs()
        File file = new File(folder, id)
        file.setText(text, 'UTF-8')
        bound.files << folder
        file
    }

    /** Run `body` with what is bound; secret files are gone afterwards. */
    static Object during(Build build, Frame frame, Bound bound, Closure body) {
        String names = bound.variables.keySet().collect { '$' + it }.join(' or ')
        if (names) {
            build.print(frame, "Masking supported pattern matches of ${names}")
        }
        Frame inner = frame.with(overrides: frame.overrides + [bound.variables], secrets: frame.secrets + bound.secrets)
        try {
            return inner.during(body)
        } finally {
            bound.files.each { it.deleteDir() }
        }
    }
}
