package runner

/** What builds of one controller share: agents and locks. Builds without a named controller have their own. */
class Controller {
    private static final Map<String, Controller> NAMED = [:]

    /** label -> free slots, as numbers from 0. */
    private final Map<String, TreeSet<Integer>> free = [:]
    private final Map<String, Object> locks = [:]

    static synchronized Controller of(String name) {
        name == null ? new Controller() : NAMED.computeIfAbsent(name) { new Controller() }
    }

    synchronized Integer slot(String label, int executors) {
        TreeSet<Integer> slots = free.computeIfAbsent(label) { new TreeSet<>((0..<executors).toList()) }
        slots.pollFirst()
    }

    synchronized void giveBack(String label, int slot) {
        free[label] << slot
    }

    /** Take all the resources at once, or none. */
    synchronized boolean take(List<String> resources, Object owner) {
        if (resources.any { locks.containsKey(it) }) {
            return false
        }
        resources.each { locks[it] = owner }
        true
    }

    synchronized void release(List<String> resources, Object owner) {
        resources.findAll { locks[it].is(owner) }.each { locks.remove(it) }
    }
}
