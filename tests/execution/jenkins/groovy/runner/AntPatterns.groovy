package runner

/**
 * Ant's file patterns as Jenkins uses them for stashes, artifacts and reports (ant.apache.org/manual/dirtasks.html):
 * `**` any folders, `*` and `?` within a name, a trailing slash everything below; separated by commas and white space.
 * Debian's package of Groovy doesn't bring Ant itself.
 */
class AntPatterns {
    /** Ant's default excludes. */
    private static final List<String> DEFAULT_EXCLUDES = [
        '**/*~', '**/#*#', '**/.#*', '**/%*%', '**/._*', '**/CVS', '**/CVS/**', '**/.cvsignore', '**/SCCS', '**/SCCS/**',
        '**/vssver.scc', '**/.svn', '**/.svn/**', '**/.git', '**/.git/**', '**/.gitattributes', '**/.gitignore',
        '**/.gitmodules', '**/.hg', '**/.hg/**', '**/.hgignore', '**/.hgsub', '**/.hgsubstate', '**/.hgtags', '**/.bzr',
        '**/.bzr/**', '**/.bzrignore', '**/.DS_Store',
    ]

    /** Relative paths of the files below `folder`, sorted. */
    static List<String> files(File folder, String includes, String excludes, boolean defaultExcludes) {
        List<String> wanted = split(includes ?: '**')
        List<String> unwanted = split(excludes ?: '') + (defaultExcludes ? DEFAULT_EXCLUDES : [])
        List<String> found = []
        walk(folder, '', found, [] as Set)
        found.findAll { String path -> wanted.any { matches(it, path) } && !unwanted.any { matches(it, path) } }.sort()
    }

    static boolean matches(String pattern, String path, boolean caseSensitive = true) {
        String full = pattern.endsWith('/') ? pattern + '**' : pattern
        segments(full.tokenize('/'), path.tokenize('/'), caseSensitive)
    }

    private static List<String> split(String text) {
        text.tokenize(', \t\r\n')
    }

    private static void walk(File folder, String prefix, List<String> found, Set<String> seen) {
        if (!folder.directory || !seen.add(folder.canonicalPath)) {
            return
        }
        folder.listFiles().each { File file ->
            String path = prefix + file.name
            if (file.directory) {
                walk(file, path + '/', found, seen)
            } else {
                found << path
            }
        }
    }

    private static boolean segments(List<String> pattern, List<String> path, boolean caseSensitive) {
        if (pattern.empty) {
            return path.empty
        }
        if (pattern[0] == '**') {
            return segments(pattern.tail(), path, caseSensitive) || (!path.empty && segments(pattern, path.tail(), caseSensitive))
        }
        !path.empty && name(pattern[0], path[0], caseSensitive) && segments(pattern.tail(), path.tail(), caseSensitive)
    }

    private static boolean name(String pattern, String name, boolean caseSensitive) {
        String expression = pattern.collect { it == '*' ? '.*' : it == '?' ? '.' : java.util.regex.Pattern.quote(it) }.join('')
        name ==~ (caseSensitive ? expression : '(?i)' + expression)
    }
}
