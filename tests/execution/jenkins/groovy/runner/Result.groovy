package runner

/** Results in Jenkins core's order (hudson.model.Result): a later one is worse. */
class Result {
    static final List<String> ORDER = ['SUCCESS', 'UNSTABLE', 'FAILURE', 'NOT_BUILT', 'ABORTED'].asImmutable()

    static boolean worse(String one, String other) {
        ORDER.indexOf(one) > ORDER.indexOf(other)
    }

    static String worst(String one, String other) {
        worse(one, other) ? one : other
    }

    /** hudson.model.Result.fromString, whose unknown names mean FAILURE; here they are refused. */
    static String parse(Object name) {
        String upper = name.toString().toUpperCase(Locale.ENGLISH)
        if (!ORDER.contains(upper)) {
            throw new IllegalArgumentException("${name} is no result; allowed: ${ORDER.join(', ')}")
        }
        upper
    }
}
