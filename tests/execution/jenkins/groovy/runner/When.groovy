package runner

/** The conditions of a stage, evaluated once, at the first place that may (pipeline-model-definition@42c9dc3e). */
class When {
    private static final Map CHANGE = [
        id: 'CHANGE_ID', target: 'CHANGE_TARGET', branch: 'CHANGE_BRANCH', fork: 'CHANGE_FORK', url: 'CHANGE_URL',
        title: 'CHANGE_TITLE', author: 'CHANGE_AUTHOR', authorDisplayName: 'CHANGE_AUTHOR_DISPLAY_NAME',
        authorEmail: 'CHANGE_AUTHOR_EMAIL',
    ]

    private final JenkinsScript script
    private final Map model
    boolean passed

    When(JenkinsScript script, Map model) {
        this.script = script
        this.model = model
        passed = model == null
    }

    /** True when the conditions hold, or when `place` isn't where they are looked at. */
    boolean holds(String place) {
        if (passed || (place != null && !model[place])) {
            return true
        }
        passed = model.conditions.every { Map condition -> evaluate(condition) }
        passed
    }

    private boolean evaluate(Map condition) {
        Closure inner = { Map child -> evaluate(child) }
        switch (condition.name) {
            case 'not': return !evaluate((Map) condition.children[0])
            case 'allOf': return condition.children.every(inner)
            case 'anyOf': return condition.children.any(inner)
            case 'expression': return truth(condition.arguments.call())
        }
        List given = condition.arguments.call()
        Map env = Environment.of(JenkinsScript.of(script), Frame.current())
        switch (condition.name) {
            case 'branch':
                Map named = arguments(condition, given, 'pattern', ['comparator'])
                return env.BRANCH_NAME && named.pattern && compare((String) named.comparator ?: 'GLOB', named.pattern.toString(), env.BRANCH_NAME)
            case 'tag':
                Map named = arguments(condition, given, 'pattern', ['comparator'])
                return env.TAG_NAME && (!named.pattern || compare((String) named.comparator ?: 'GLOB', named.pattern.toString(), env.TAG_NAME))
            case 'buildingTag': return env.TAG_NAME as boolean
            case 'changeRequest': return changeRequest(arguments(condition, given, null, CHANGE.keySet() + 'comparator'), env)
            case 'environment':
                Map named = arguments(condition, given, null, ['name', 'value', 'ignoreCase'])
                String actual = env[named.name.toString()]
                return named.ignoreCase ? actual?.equalsIgnoreCase(named.value.toString()) : actual == named.value.toString()
            case 'equals':
                Map named = arguments(condition, given, null, ['expected', 'actual'])
                return named.expected == named.actual
            case 'triggeredBy': return triggeredBy(arguments(condition, given, 'cause', ['detail']))
            default: throw JenkinsScript.of(script).refuse("when condition ${condition.name}")
        }
    }

    /** ExpressionConditional: text is true when it is "true". */
    private static boolean truth(Object value) {
        value instanceof CharSequence ? Boolean.parseBoolean(value.toString()) : value as boolean
    }

    private Map arguments(Map condition, List given, String sole, Collection others) {
        Map named = given.empty ? [:] : given[0] instanceof Map ? given[0] : [(sole): given[0]]
        if (given.size() > 1 || named.keySet().any { it == null || !(it == sole || it in others) }) {
            throw JenkinsScript.of(script).refuse("when condition ${condition.name} with ${given}")
        }
        named
    }

    private static boolean changeRequest(Map named, Map env) {
        String comparator = named.comparator ?: 'EQUALS'
        env.CHANGE_ID && CHANGE.every { field, variable -> !named[field] || compare(comparator, named[field].toString(), env[variable]) }
    }

    private static boolean compare(String comparator, String pattern, String actual) {
        String text = actual ?: ''
        switch (comparator.toUpperCase(Locale.ENGLISH)) {
            case 'GLOB': return AntPatterns.matches(pattern, text, false)
            case 'REGEXP': return text ==~ pattern
            case 'EQUALS': return text == pattern
            default: throw JenkinsScript.running().refuse("comparator ${comparator}")
        }
    }

    /** Utils.shouldRunBeAllowed: the cause's simple class name, wherever the wanted one occurs in it. */
    private boolean triggeredBy(Map named) {
        JenkinsScript.of(script).scenario.causes.any { Map cause ->
            String name = cause._class.tokenize('.$').last()
            if (name == 'UserIdCause' && named.cause == 'UserIdCause') {
                return named.detail == null || cause.userId == named.detail
            }
            name ==~ "(?i)\\.*${named.cause}.*"
        }
    }
}
