package runner

import groovy.util.slurpersupport.GPathResult
import hudson.AbortException
import java.nio.file.CopyOption
import java.nio.file.LinkOption
import java.nio.file.Path
import java.nio.file.StandardCopyOption

/**
 * Files that outlive a workspace: stashes (workflow-api@cbc88d9c, StashManager), archived artifacts and test reports
 * (Jenkins core's ArtifactArchiver, junit@c64aedde). Patterns are Ant's.
 */
class Storage {
    static void copy(File from, File to) {
        to.parentFile.mkdirs()
        Path target = to.toPath()
        CopyOption[] options = [StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.COPY_ATTRIBUTES, LinkOption.NOFOLLOW_LINKS]
        java.nio.file.Files.copy(from.toPath(), target, options)
    }

    /** The stash exists as soon as it was tried, even when nothing matches and the step fails, as in Jenkins. */
    static void stash(Build build, Frame frame, Map args) {
        String name = goodName((String) args.name)
        List<String> files = AntPatterns.files(frame.folder, (String) args.includes, (String) args.excludes, args.useDefaultExcludes != false)
        File store = new File(build.folder, "stashes/${build.stashes.size()}-${name.hashCode()}")
        if (build.stashes.containsKey(name)) {
            build.print(frame, "Warning: overwriting stash ‘${name}’")
            build.stashes[name].deleteDir()
        }
        store.mkdirs()
        files.each { copy(new File(frame.folder, it), new File(store, it)) }
        build.stashes[name] = store
        build.event(kind: 'stash', name: name, files: files, stage: Steps.stageName(frame))
        if (files.empty && !args.allowEmpty) {
            throw new AbortException("No files included in stash ‘${name}’")
        }
        build.print(frame, "Stashed ${files.size()} file(s)")
    }

    static void unstash(Build build, Frame frame, String name) {
        File store = build.stashes[goodName(name)]
        if (store == null) {
            throw new AbortException("No such saved stash ‘${name}’")
        }
        List<String> files = AntPatterns.files(store, '**', '', false)
        files.each { copy(new File(store, it), new File(frame.folder, it)) }
        build.event(kind: 'unstash', name: name, files: files, stage: Steps.stageName(frame))
    }

    /** jenkins.model.Jenkins.checkGoodName. */
    private static String goodName(String name) {
        if (!name?.trim() || name in ['.', '..'] || name.any { Character.isISOControl((char) it) || '?*/\\%!@#$^&|<>[]:;'.contains(it) }) {
            throw new IllegalArgumentException("${name} is not a good name of a stash")
        }
        name
    }

    static void archive(Build build, Frame frame, Map args) {
        List<String> files = AntPatterns.files(frame.folder, (String) args.artifacts, (String) args.excludes, args.defaultExcludes != false)
        if (files.empty) {
            if (args.allowEmptyArchive) {
                build.print(frame, "No artifacts found that match the file pattern \"${args.artifacts}\". Configuration error?")
                return
            }
            throw new AbortException("No artifacts found that match the file pattern \"${args.artifacts}\". Configuration error?")
        }
        if (args.onlyIfSuccessful && build.result != null && build.result != 'SUCCESS') {
            build.print(frame, 'Skipped archiving because build is not successful')
            return
        }
        files.each { copy(new File(frame.folder, it), new File(build.folder, 'artifacts/' + it)) }
        build.event(kind: 'archive', files: files, stage: Steps.stageName(frame))
    }

    /** Counts by the report's own test cases; failures make build and stage UNSTABLE unless the step says otherwise. */
    static Map junit(Build build, Frame frame, Map args) {
        List<String> files = AntPatterns.files(frame.folder, (String) args.testResults, '', true)
        if (files.empty) {
            if (args.allowEmptyResults) {
                build.print(frame, 'None of the test reports contained any result')
                return [totalCount: 0, failCount: 0, skipCount: 0, passCount: 0]
            }
            throw new AbortException('No test report files were found. Configuration error?')
        }
        List<GPathResult> cases = files.collectMany { String file ->
            new XmlSlurper().parse(new File(frame.folder, file)).'**'.findAll { it.name() == 'testcase' }
        }
        int failed = cases.count { it.failure.size() + it.error.size() > 0 }
        int skipped = cases.count { it.skipped.size() > 0 && it.failure.size() + it.error.size() == 0 }
        Map summary = [totalCount: cases.size(), failCount: failed, skipCount: skipped, passCount: cases.size() - failed - skipped]
        build.event([kind: 'junit', files: files, stage: Steps.stageName(frame)] + summary)
        if (cases.empty && !args.allowEmptyResults) {
            throw new AbortException('None of the test reports contained any result')
        }
        if (failed > 0 && !args.skipMarkingStageUnstable) {
            build.warn(frame, 'UNSTABLE')
            if (!args.skipMarkingBuildUnstable) {
                build.worsen('UNSTABLE')
            }
        }
        summary
    }
}
