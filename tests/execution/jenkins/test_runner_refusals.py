"""The runner refuses what Jenkins would refuse, and what it doesn't know."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.execution.jenkins.builds import build, refusal, scripted


@pytest.mark.parametrize(
    "body",
    [
        "frobnicate('x')",
        "sh(script: 'true', quiet: true)",
        "echo 'a', 'b'",
        "echo('x') { }",
        "load 'other.groovy'",
        "evaluate('1')",
        "tool 'maven'",
        "lock(label: 'any') { echo 'x' }",
        "catchError { frobnicate() }",
        "try { frobnicate() } catch (Throwable any) { echo 'hidden' }",
        "checkout([$class: 'GitSCM', branches: [[name: 'other']]])",
        "stage('s', 'x') { echo 'x' }",
    ],
)
def test_unknown_steps_and_parameters_are_refused(tmp_path: Path, body: str) -> None:
    refusal(tmp_path, scripted(body))


@pytest.mark.parametrize(
    "body",
    [
        "new File('/etc/passwd').text",
        "new java.io.File('/etc')",
        "File f = ['/etc']",
        "def f = ['/etc'] as File",
        "Runtime.getRuntime().exec('id')",
        "Runtime.runtime",
        "System.getenv('PATH')",
        "System.exit(0)",
        "'id'.execute()",
        "\"${'id'}\".execute()",
        "['id'].execute()",
        "Thread.sleep(1)",
        "''.class",
        "''.getClass().forName('x')",
        "''.'getClass'()",
        "env.getClass()",
        "currentBuild.rawBuild",
        "jenkins.model.Jenkins.instance",
        "def c = String",
        "def m = ''.&execute",
        "this.binding",
        "binding.variables",
        "def c = { }\nc.delegate = 1",
        "[1].metaClass.x = 1",
        "Class.forName('java.lang.Runtime')",
        "new GroovyShell().evaluate('1')",
        "[3, 1].sort { it }",
        "[3, 1].toSorted { a, b -> a <=> b }",
        "['a'].unique { echo it }",
        "'a'.eachLine { echo it }",
        "def found = ('a' =~ 'a')",
        "[1]*.toString()",
        "params.X = 1\nnew Socket('localhost', 1)",
        "'x'.with { it }",
        "synchronized (env) { echo 'x' }",
        "env.invokeMethod('x', 1)",
        "steps.sh 'true'",
    ],
)
def test_the_sandbox_refuses(tmp_path: Path, body: str) -> None:
    assert "refused" in refusal(tmp_path, scripted(body))


def test_the_sandbox_lets_plain_code_pass(tmp_path: Path) -> None:
    body = """
    List a = new ArrayList([3, 1]); a << 2; a.add(0, 9)
    Map m = [b: 1, 'c-d': [e: 2]]
    m['f'] = m.b + m['c-d'].e
    m.g = "x${m.f}".toUpperCase()
    for (e in m) { if (e.key == 'g') { echo e.value } }
    echo a.sort().join(',') + m.collect { k, v -> k }.findAll { it != 'b' } + m.keySet().contains('b')
    echo String.format('%s-%s', 'a', 'b') + Math.max(1, 2) + 'a b'.split(' ').size() + ('ab' ==~ 'a.') +
      Arrays.asList('a=b'.split('='))
    def twice = { n -> n * 2 }
    echo '' + twice(4) + twice.call(5) + a[0] + 'abc'[1] + (m?.none ?: 'none')
    try { error('caught') } catch (hudson.AbortException e) { echo e.message } finally { echo 'finally' }
    int i = 0
    while (i < 3) { i++ }
    switch (i) { case 3: echo 'three'; break; default: echo 'other' }
    def (x, y) = [1, 2]
    echo "${x + y}"
    """
    assert build(tmp_path, scripted(body)).echoes() == [
        "X3",
        "1,2,3,9[c-d, f, g]true",
        "a-b22true[a, b]",
        "8101bnone",
        "caught",
        "finally",
        "three",
        "3",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "@Grab('a:b:1')\nimport a.B\nnode('linux') { }",
        "import java.nio.file.Files\nnode('linux') { }",
        "class A { }\nnode('linux') { }",
        "@groovy.transform.CompileStatic int x() { 1 }\nnode('linux') { }",
        "node('linux') { pipeline { agent none\n stages { stage('s') { steps { echo 'x' } } } } }",
        "pipeline { stages { stage('s') { steps { echo 'x' } } } }",
        "pipeline { agent none }",
        "pipeline { agent none\n stages { } }",
        "pipeline { agent none\n stages { stage('s') { } } }",
        "pipeline { agent none\n stages { stage('s') { steps { } } } }",
        "pipeline { agent none\n stages { stage('s') { steps { echo 'x' }\n stages { stage('t') { steps { echo 'x' } } } } } }",
        "pipeline { agent none\n stages { stage('s') { steps { echo 'x' } }\n stage('s') { steps { echo 'x' } } } }",
        "pipeline { agent none\n stages { stage('s') { steps { if (true) { echo 'x' } } } } }",
        "pipeline { agent none\n stages { stage('s') { steps { def x = 1 } } } }",
        "pipeline { agent none\n stages { stage('s') { steps { stage('t') { echo 'x' } } } } }",
        "pipeline { agent none\n stages { stage('s') { steps { parallel(a: { echo 'x' }) } } } }",
        "pipeline { agent none\n tools { maven 'x' }\n stages { stage('s') { steps { echo 'x' } } } }",
        "pipeline { agent none\n options { unknown() }\n stages { stage('s') { steps { echo 'x' } } } }",
        "pipeline { agent none\n post { whenever { echo 'x' } }\n stages { stage('s') { steps { echo 'x' } } } }",
        "pipeline { agent none\n environment { A = 1 }\n stages { stage('s') { steps { echo 'x' } } } }",
        "pipeline { agent none\n stages { stage('s') { when { moon 'full' }\n steps { echo 'x' } } } }",
        "pipeline { agent { docker 'x' }\n stages { stage('s') { steps { echo 'x' } } } }",
        "pipeline { agent none\n stages { stage('s') { agent any\n parallel { stage('t') { steps { echo 'x' } } } } } }",
        "pipeline { agent none\n stages { stage('s') { matrix { } } } }",
        "pipeline { agent none\n stages { stage('s') { steps { echo 'x' } } }",
    ],
)
def test_pipelines_that_jenkins_would_not_start_are_refused(tmp_path: Path, text: str) -> None:
    refusal(tmp_path, text)


def test_a_literal_of_more_entries_than_the_sandbox_can_take_is_refused(tmp_path: Path) -> None:
    entries = ", ".join(f"k{n}: {n}" for n in range(126))
    assert "literal" in refusal(tmp_path, scripted(f"Map m = [{entries}]"))
