package runner

/**
 * Options of `options {}` (pipeline-model-definition@42c9dc3e: Options, StageOptions): job properties and declarative
 * options, which take effect before the build or in the interpreter, and steps with a body, which wrap.
 */
class Options {
    static final Set WRAPPERS = ['timeout', 'retry', 'timestamps', 'lock']
    private static final Map SETTINGS = [
        buildDiscarder: ['logRotator'], disableConcurrentBuilds: ['abortPrevious'], disableResume: [], skipDefaultCheckout: ['*'],
        preserveStashes: ['buildCount'], parallelsAlwaysFailFast: [], skipStagesAfterUnstable: [], quietPeriod: ['*'],
        durabilityHint: ['*'], disableRestartFromStage: [],
    ]
    static final Set ROOT = WRAPPERS + SETTINGS.keySet()
    static final Set STAGE = WRAPPERS + ['skipDefaultCheckout']

    /** name -> arguments; unknown ones are refused. */
    static Map<String, List> read(Build build, List<Map> given) {
        given.collectEntries { Map option ->
            List arguments = option.arguments.call()
            if (SETTINGS.containsKey(option.name)) {
                check(build, (String) option.name, arguments)
                build.event(kind: 'option', name: option.name, arguments: arguments.collect { it.toString() })
            }
            [option.name, arguments]
        }
    }

    private static void check(Build build, String name, List arguments) {
        List allowed = (List) SETTINGS[name]
        boolean positional = arguments.size() == 1 && !(arguments[0] instanceof Map) && '*' in allowed
        boolean symbol = arguments.size() == 1 && arguments[0] instanceof Map && arguments[0].$class in allowed
        boolean named = arguments.size() == 1 && arguments[0] instanceof Map && arguments[0].keySet().every { it in allowed }
        if (!arguments.empty && !positional && !named && !symbol) {
            throw build.refuse("option ${name} with ${arguments}")
        }
    }

    /** pipeline-model-definition: DeclarativeOption skipDefaultCheckout; without an argument true. */
    static boolean set(Map<String, List> options, String name) {
        options.containsKey(name) && (options[name].empty || options[name][0] == true)
    }
}
