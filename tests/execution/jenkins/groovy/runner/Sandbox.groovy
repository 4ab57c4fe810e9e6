package runner

import org.codehaus.groovy.runtime.InvokerHelper

/** An object that the pipeline may use: its own methods and properties, and which of them are allowed. */
interface PipelineObject {
    Set<String> allowed()
}

/**
 * What a Jenkinsfile may call: a part of script-security@a5f0130a's generic-whitelist, each entry read there, and of what
 * workflow-cps@e007b7ff adds (CpsWhitelist). What isn't named is refused, more strictly than Jenkins does.
 *
 * A closure of CPS code given to a GDK method works only where workflow-cps translated that method
 * (dgm-builder's translatable.txt); elsewhere it silently ends the method early, so it is refused here.
 */
class Sandbox {
    private static final Set TEXT = [
        'substring', 'indexOf', 'lastIndexOf', 'contains', 'startsWith', 'endsWith', 'trim', 'split', 'replace', 'replaceAll',
        'replaceFirst', 'length', 'size', 'isEmpty', 'toLowerCase', 'toUpperCase', 'equalsIgnoreCase', 'matches', 'concat',
        'toInteger', 'toLong', 'toDouble', 'toBoolean', 'isInteger', 'isNumber', 'isLong', 'tokenize', 'readLines', 'padLeft',
        'padRight', 'capitalize', 'reverse', 'take', 'drop', 'stripIndent', 'stripMargin', 'count', 'multiply', 'plus', 'minus',
        'toString', 'equals', 'hashCode', 'each', 'any', 'every', 'collect', 'getAt', 'charAt', 'join', 'toList', 'find', 'findAll',
    ]
    private static final Set COLLECTION = [
        'add', 'addAll', 'contains', 'containsAll', 'isEmpty', 'size', 'remove', 'removeAll', 'retainAll', 'get', 'indexOf',
        'subList', 'set', 'first', 'last', 'head', 'tail', 'join', 'plus', 'minus', 'leftShift', 'getAt', 'putAt', 'each',
        'eachWithIndex', 'reverseEach', 'any', 'every', 'collect', 'collectEntries', 'collectMany', 'find', 'findAll',
        'findIndexOf', 'findResult', 'findResults', 'groupBy', 'inject', 'countBy', 'count', 'sum', 'max', 'min', 'flatten',
        'unique', 'sort', 'toSorted', 'reverse', 'take', 'drop', 'takeWhile', 'intersect', 'disjoint', 'collate', 'toSet',
        'toList', 'toString', 'equals', 'hashCode', 'asImmutable', 'push', 'pop', 'iterator', 'clear', 'toListString',
    ]
    private static final Set MAPPING = [
        'put', 'putAll', 'putIfAbsent', 'get', 'getOrDefault', 'containsKey', 'containsValue', 'keySet', 'values', 'entrySet',
        'size', 'isEmpty', 'remove', 'replace', 'clear', 'each', 'eachWithIndex', 'any', 'every', 'collect', 'collectEntries',
        'collectMany', 'find', 'findAll', 'findResult', 'findResults', 'groupBy', 'inject', 'countBy', 'count', 'subMap', 'plus',
        'minus', 'leftShift', 'getAt', 'putAt', 'sort', 'toString', 'equals', 'hashCode', 'withDefault', 'toMapString', 'max',
        'min', 'intersect', 'take', 'drop',
    ]
    private static final Set ENTRY = ['getKey', 'getValue', 'toString']
    private static final Set NUMBER = ['toString', 'equals', 'times', 'intValue', 'longValue', 'plus', 'minus', 'multiply', 'abs', 'compareTo']
    private static final Set THROWABLE = ['getMessage', 'getCause', 'toString']
    private static final Set BUILDER = ['append', 'toString', 'length']
    private static final Set TRANSLATED = [
        'any', 'each', 'every', 'collect', 'collectEntries', 'collectMany', 'collectNested', 'count', 'countBy', 'eachWithIndex', 'find',
        'findAll', 'findIndexOf', 'findIndexValues', 'findLastIndexOf', 'findResult', 'findResults', 'groupBy', 'inject', 'max',
        'min', 'removeAll', 'retainAll', 'reverseEach', 'split', 'sum', 'takeWhile', 'times', 'withDefault', 'flatten',
        'replaceAll', 'replaceFirst', 'upto', 'downto', 'step',
    ]
    private static final Map STATIC = [
        'java.lang.String': ['format', 'join', 'valueOf'], 'java.lang.Integer': ['parseInt', 'valueOf', 'toString'],
        'java.lang.Math': ['max', 'min', 'abs'], 'java.lang.Boolean': ['parseBoolean'], 'java.lang.System': ['currentTimeMillis'],
        'java.util.Arrays': ['asList'], 'java.util.Collections': ['emptyList', 'emptyMap', 'emptySet'],
    ]
    private static final Map CONSTANTS = ['java.lang.Integer': ['MAX_VALUE'], 'java.util.concurrent.TimeUnit': ['HOURS', 'MILLISECONDS']]

    static Object call(Object receiver, Object method, boolean safe, List arguments) {
        String name = method.toString()
        if (receiver == null) {
            if (safe) {
                return null
            }
            throw new NullPointerException("Cannot invoke method ${name}() on null object")
        }
        if (receiver instanceof Closure) {
            if (name != 'call') {
                throw refuse("method Closure.${name}")
            }
            return receiver.call(*arguments)
        }
        Object target = receiver instanceof GString ? receiver.toString() : receiver
        if (!(name in allowed(target))) {
            throw refuse("method ${target.getClass().name} ${name}")
        }
        boolean plain = !(target instanceof PipelineObject)
        if (plain && !(name in TRANSLATED) && arguments.any { it instanceof Closure }) {
            throw refuse("a closure given to ${name}, which workflow-cps doesn't translate, and which")
        }
        InvokerHelper.invokeMethod(target, name, arguments as Object[])
    }

    private static Set allowed(Object target) {
        switch (target) {
            case PipelineObject: return ((PipelineObject) target).allowed()
            case String: return TEXT
            case Map: return MAPPING
            case Map.Entry: return ENTRY
            case Collection: return COLLECTION
            case Object[]: return COLLECTION
            case Number: return NUMBER
            case Throwable: return THROWABLE
            case StringBuilder: return BUILDER
            case Boolean: return ['toString', 'equals'] as Set
            default: return [] as Set
        }
    }

    static Object callStatic(String type, Object method, List arguments) {
        String name = method.toString()
        if (!(name in STATIC[type])) {
            throw refuse("staticMethod ${type} ${name}")
        }
        InvokerHelper.invokeStaticMethod(Class.forName(type), name, arguments as Object[])
    }

    static Object constant(String type, Object field) {
        if (!(field in CONSTANTS[type])) {
            throw refuse("staticField ${type} ${field}")
        }
        Class.forName(type).getField((String) field).get(null)
    }

    static Object get(Object receiver, Object property, boolean safe) {
        String name = property.toString()
        if (receiver == null) {
            if (safe) {
                return null
            }
            throw new NullPointerException("Cannot get property '${name}' on null object")
        }
        switch (receiver) {
            case Map: return receiver.get(name)
            case PipelineObject:
                PipelineObject object = (PipelineObject) receiver
                if (!('*' in object.allowed()) && !(getter(name) in object.allowed())) {
                    throw refuse("property ${object.getClass().name} ${name}")
                }
                return object.getProperty(name)
            case Map.Entry: if (name in ['key', 'value']) { return receiver."${name}" }; break
            case Throwable: if (name in ['message', 'cause']) { return receiver."${name}" }; break
            case Collection: if (!receiver.empty && receiver.every { it instanceof Map }) { return receiver.collect { it.get(name) } }
        }
        throw refuse("property ${receiver.getClass().name} ${name}")
    }

    private static String getter(String name) {
        'get' + name.capitalize()
    }

    static Object set(Object receiver, Object property, Object value) {
        String name = property.toString()
        if (receiver instanceof Map) {
            ((Map) receiver).put(name, value)
            return value
        }
        if (!(receiver instanceof PipelineObject) || !('set' + name.capitalize() in receiver.allowed() || '=' in receiver.allowed())) {
            throw refuse("setting the property ${name} of ${receiver?.getClass()?.name}")
        }
        receiver.setProperty(name, value)
        value
    }

    static Object getAt(Object receiver, Object index) {
        indexable(receiver)
        receiver[index]
    }

    static Object putAt(Object receiver, Object index, Object value) {
        indexable(receiver)
        receiver[index] = value
        value
    }

    private static void indexable(Object receiver) {
        boolean known = receiver instanceof Map || receiver instanceof List || receiver instanceof CharSequence || receiver instanceof Object[]
        if (!known && receiver != null) {
            throw refuse("indexing ${receiver.getClass().name}")
        }
    }

    private static RunnerError refuse(String what) {
        JenkinsScript.running().refuse("${what} is refused by the sandbox")
    }
}
