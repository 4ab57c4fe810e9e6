package runner

import java.security.MessageDigest

/**
 * The step `cache` (jobcacher@0cb60706: CacheStep, ArbitraryFileCache): folders kept from build to build of one job (a
 * branch is a job), by name or path. There is one version of each; it is restored when the deciding files have the
 * hash that it was saved with, and saved again, when the body ends well, unless it is still valid by that hash.
 */
class Caches {
    static Object during(Build build, Frame frame, Map args, Closure body) {
        List<Map> caches = (List<Map>) args.caches
        caches.findAll { it.$class != 'arbitraryFileCache' }.each { throw build.refuse("cache of ${it}") }
        List<Kept> kept = caches.collect { Map cache -> new Kept(build, frame, cache) }
        kept.each { Kept one ->
            build.event(kind: 'cache', name: one.options.cacheName, path: one.options.path, hit: one.valid())
            if (one.valid() && !args.skipRestore) {
                copyAll(one.store, '**', '', false, one.folder)
            }
        }
        Object value = body.call()
        kept.findAll { !args.skipSave && it.folder.exists() && !(it.options.cacheValidityDecidingFile && it.valid()) }.each { Kept one ->
            one.store.deleteDir()
            one.store.mkdirs()
            copyAll(one.folder, (String) one.options.includes, (String) one.options.excludes, one.options.useDefaultExcludes != false, one.store)
            one.mark.text = one.hash() ?: ''
        }
        value
    }

    private static void copyAll(File from, String includes, String excludes, boolean defaultExcludes, File to) {
        AntPatterns.files(from, includes, excludes, defaultExcludes).each { Storage.copy(new File(from, it), new File(to, it)) }
    }

    private static class Kept {
        final Map options
        final File folder
        final File store
        final File mark
        private final File workspace

        Kept(Build build, Frame frame, Map options) {
            this.options = options
            workspace = frame.folder
            Map<String, String> environment = Environment.of(build, frame)
            String path = options.path.replaceAll(/\$(\w+)|\$\{(\w+)\}/) { String all, String plain, String braced -> environment[plain ?: braced] ?: all }
            folder = Allocation.child(frame.folder, path)
            String name = hex("${build.scenario.job}/${environment.BRANCH_NAME}/${options.cacheName ?: options.path}".getBytes('UTF-8'))
            File root = new File((String) build.scenario.caches ?: "${build.folder}/caches")
            store = new File(root, name)
            mark = new File(root, name + '.hash')
        }

        boolean valid() {
            store.directory && (hash() == null || (mark.exists() && mark.text == hash()))
        }

        /** Of the deciding files; null where none are named, or none is there, which makes any version valid. */
        String hash() {
            List<String> files = options.cacheValidityDecidingFile ? AntPatterns.files(workspace, (String) options.cacheValidityDecidingFile, '', true) : []
            files ? hex(files.collect { hex(new File(workspace, it).bytes) }.join(' ').bytes) : null
        }

        private static String hex(byte[] bytes) {
            MessageDigest.getInstance('SHA-256').digest(bytes).encodeHex()
        }
    }
}
