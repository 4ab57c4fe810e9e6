"""The style sheet of the page: light and dark by the reader's choice, narrow and wide, screen and paper.

Standard library only: bundled into the emitted script.
"""

from __future__ import annotations

# name -> colour in light, in dark. Words and marks have at least 4.5:1 against `paper`, `panel` and `good`.
COLOURS = {
    "paper": ("#ffffff", "#0d1117"),
    "panel": ("#f5f7f9", "#161b22"),
    "ink": ("#1f2328", "#e6edf3"),
    "faint": ("#57606a", "#9da7b1"),
    "rule": ("#c3cad2", "#3a424c"),
    "link": ("#0a5cad", "#6cb6ff"),
    "good": ("#dff3e4", "#12331d"),
    "pass": ("#167030", "#4cc566"),
    "fail": ("#c11b26", "#ff7b72"),
    "inconclusive": ("#8a5a00", "#e0ab3c"),
    "error": ("#7a3fb0", "#c297ff"),
    "s0": ("#0a5cad", "#6cb6ff"),
    "s1": ("#a3470a", "#f0955a"),
    "s2": ("#7a3fb0", "#c297ff"),
    "s3": ("#106b5a", "#4fc7ae"),
}

_RULES = """
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);overflow-wrap:break-word;
font:16px/1.5 -apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"DejaVu Sans",sans-serif}
header,main,footer{max-width:1120px;margin:0 auto;padding:0 20px}
header{padding-top:28px}
a{color:var(--link)}
h1{font-size:1.75rem;line-height:1.25;margin:0 0 6px}
h2{font-size:1.3rem;line-height:1.3;margin:0}
h3{font-size:1rem;margin:22px 0 8px}
.band h2{font-size:1.1rem;margin-top:16px}
code{font-family:ui-monospace,Consolas,"DejaVu Sans Mono",monospace;font-size:.88em}
.faint,dt{color:var(--faint)}
.band{border:1px solid var(--rule);border-left:6px solid var(--faint);border-radius:8px;padding:18px 22px;
background:var(--panel)}
.band.pass,section.pass{border-left-color:var(--pass)}
.band.fail,section.fail{border-left-color:var(--fail)}
section.inconclusive{border-left-color:var(--inconclusive)}
section.error{border-left-color:var(--error)}
dl.facts{display:flex;flex-wrap:wrap;gap:4px 28px;margin:10px 0 0}
dl.facts div{display:flex;gap:8px}
dd{margin:0}
ul.causes{margin:10px 0 0;padding-left:22px}
.mark{font-weight:700;white-space:nowrap}
.mark.pass{color:var(--pass)}.mark.fail{color:var(--fail)}
.mark.inconclusive{color:var(--inconclusive)}.mark.error{color:var(--error)}.mark.skipped{color:var(--faint)}
section{border:1px solid var(--rule);border-left-width:6px;border-radius:8px;padding:18px 22px;margin:22px 0}
main>section.plain{border:0;padding:0}
.head{display:flex;flex-wrap:wrap;gap:6px 16px;align-items:baseline;justify-content:space-between}
.sentence{font-size:1.06rem;margin:8px 0 4px}
.waiver{border:1px dashed var(--inconclusive);border-radius:6px;padding:8px 12px;margin:10px 0}
table{border-collapse:collapse;width:100%;margin:8px 0}
th,td{text-align:left;vertical-align:top;padding:8px 12px 8px 0;border-bottom:1px solid var(--rule)}
th{color:var(--faint);font-weight:600;font-size:.88rem}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td{overflow-wrap:anywhere}
td:first-child{overflow-wrap:break-word;min-width:7.5em}
td .id{font-weight:600}
.decisions th:last-child,.decisions td:last-child{width:332px;padding-right:0}
.wide{overflow-x:auto;max-width:100%;overflow-wrap:normal}
.wide:focus-visible,summary:focus-visible,a:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.wide table{width:auto;min-width:50%;font-size:.88rem}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,420px),1fr));gap:20px;margin-top:14px}
figure{margin:0;padding:14px 16px;border:1px solid var(--rule);border-radius:8px;min-width:0}
figcaption{font-weight:600;margin-bottom:6px}
figure p{margin:6px 0 0;font-size:.9rem}
svg{display:block;max-width:100%;height:auto}
figure svg{width:100%}
summary{cursor:pointer;color:var(--link);padding:4px 0;width:fit-content}
details{margin-top:8px}
footer{padding-top:8px;padding-bottom:40px;font-size:.88rem}
@media (max-width:700px){
header,main,footer{padding-left:14px;padding-right:14px}
section,.band{padding:14px 14px}
figure{padding:10px}
.rows,.rows tbody,.rows tr,.rows td,.decisions td:last-child{display:block;width:100%}
.rows thead{position:absolute;clip-path:inset(50%);height:1px;overflow:hidden}
.rows tr{border-bottom:1px solid var(--rule);padding:8px 0}
.rows td{border:0;padding:2px 0}
.rows td:empty{display:none}
}
@media print{
body{font-size:11pt}
header,main,footer{max-width:none;padding:0}
section,.band,figure,tr{break-inside:avoid}
section:has(figure){break-inside:auto}
details::details-content{content-visibility:visible;height:auto}
summary{color:inherit}
.wide{overflow:visible}
}
"""


def stylesheet() -> str:
    """Return the whole style sheet. On paper, colours are the light ones."""
    light = ";".join(f"--{name}:{colours[0]}" for name, colours in COLOURS.items())
    dark = ";".join(f"--{name}:{colours[1]}" for name, colours in COLOURS.items())
    shapes = [
        "svg .ink{fill:var(--ink)}",
        "svg .faint{fill:var(--faint)}",
        "svg .paper{fill:var(--paper)}",
        "svg .good{fill:var(--good)}",
        "svg .rule{stroke:var(--rule)}",
        "svg .axis{stroke:var(--faint)}",
        "svg .limit{stroke:var(--ink)}",
        *(
            f"svg .{name}{{fill:var(--{name});stroke:var(--{name})}}"
            for name in ("pass", "fail", "inconclusive", "error", "s0", "s1", "s2", "s3")
        ),
    ]
    schemes = f":root{{color-scheme:light dark;{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    return schemes + _RULES + "\n".join(shapes) + "\n"
