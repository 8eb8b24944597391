"""The look of the page: light and dark, from phones to paper, without any file of others."""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fdfdfb; --ink: #1c2024; --soft: #5c646c; --line: #dfe1dc; --wash: #f3f4ef;
  --accent: #00508c; --good: #00704f; --bad: #b04a00; --card: #ffffff; --shade: #1c202440;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --ink: #e6e8e6; --soft: #9aa3aa; --line: #2d3338; --wash: #1c2125;
    --accent: #7cb8ee; --good: #4fc79c; --bad: #f0914a; --card: #f6f6f3; --shade: #ffffff38;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: anywhere;
  font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "PingFang SC", "Microsoft YaHei",
    "Noto Sans CJK SC", sans-serif;
}
main, header, footer { max-width: 46rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 3.5rem; }
footer { padding-top: 1rem; padding-bottom: 4rem; color: var(--soft); font-size: .85rem; }
.p { white-space: nowrap; }
h1 { font-size: 2.5rem; line-height: 1.15; letter-spacing: -.02em; margin: .1rem 0 .75rem; font-weight: 700; }
h2 { font-size: 1.4rem; line-height: 1.3; letter-spacing: -.01em; margin: 0 0 .75rem; font-weight: 650; }
h3 { font-size: 1rem; margin: 2rem 0 .4rem; font-weight: 650; }
p { margin: 0 0 .9rem; }
section { padding: 2.25rem 0 1rem; border-top: 1px solid var(--line); }
main > section:first-child { border-top: 0; padding-top: 1rem; }
a { color: var(--accent); text-underline-offset: .15em; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
nav { margin-top: 1.25rem; font-size: .85rem; }
nav a { margin-right: 1.1rem; text-decoration: none; display: inline-block; padding: .2rem 0; }
.kind { color: var(--soft); font-size: .8rem; letter-spacing: .08em; text-transform: uppercase; margin: 0; }
.lead { font-size: 1.1rem; }
.soft, .caption, figcaption, .unit { color: var(--soft); }
.soft, .caption, figcaption { font-size: .9rem; }
.caption { margin: 1.25rem 0 .3rem; }
.state { border-left: 3px solid var(--bad); padding-left: .8rem; }
.said { font-size: 1.1rem; font-weight: 600; }
.score { display: flex; flex-wrap: wrap; align-items: baseline; gap: .1rem 1rem; margin: .5rem 0 1.1rem; }
.score b {
  font-size: 3.6rem; line-height: 1.1; letter-spacing: -.03em; font-weight: 700; color: var(--accent);
  font-variant-numeric: tabular-nums;
}
.score .unit { font-size: 1rem; line-height: 1.35; }
dl { margin: 0 0 1rem; font-size: .9rem; }
dl div { display: grid; grid-template-columns: 9rem 1fr; gap: 1rem; padding: .3rem 0; border-bottom: 1px solid var(--line); }
dl div:last-child { border-bottom: 0; }
dt { color: var(--soft); }
dd { margin: 0; font-variant-numeric: tabular-nums; min-width: 0; }
.scroll {
  overflow-x: auto; margin: 0 0 1.25rem;
  background:
    linear-gradient(to right, var(--paper) 40%, transparent) 0 0 / 2.5rem 100% local,
    linear-gradient(to left, var(--paper) 40%, transparent) 100% 0 / 2.5rem 100% local,
    linear-gradient(to right, var(--shade), transparent) 0 0 / .9rem 100% scroll,
    linear-gradient(to left, var(--shade), transparent) 100% 0 / .9rem 100% scroll;
  background-repeat: no-repeat;
}
table { border-collapse: collapse; font-size: .9rem; width: 100%; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
th, td { text-align: left; padding: .35rem 1rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--soft); font-weight: 500; line-height: 1.35; vertical-align: bottom; border-bottom-color: var(--soft); }
tbody th { font-weight: 500; white-space: nowrap; }
tbody tr:last-child > * { border-bottom: 0; }
th.n, td.n { text-align: right; }
td.n { white-space: nowrap; }
tr.own > * { font-weight: 650; }
td:not(.n) { min-width: 6rem; }
pre, code { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; font-size: .85rem; }
pre { background: var(--wash); padding: .9rem 1rem; border-radius: 6px; overflow-x: auto; line-height: 1.55; margin: 0 0 1rem; }
pre code { overflow-wrap: normal; white-space: pre; }
details { margin: 0 0 1rem; }
summary { cursor: pointer; color: var(--accent); padding: .3rem 0; }
details[open] > summary { margin-bottom: .6rem; }
ul, ol { padding-left: 1.25rem; margin: 0 0 1rem; }
li { margin: 0 0 .55rem; }
figure { margin: 1.25rem 0 1.75rem; }
figure img { display: block; width: 100%; height: auto; background: #fff; border-radius: 6px; }
figcaption { margin-top: .5rem; }
@media (prefers-color-scheme: dark) { figure img { padding: .5rem; } }
.chart .row {
  display: grid; grid-template: "who plot value" / 12.5rem 1fr 8.5rem; gap: 0 1rem;
  align-items: center; padding: .2rem 0;
}
.chart .who { grid-area: who; font-size: .9rem; }
.chart .value { grid-area: value; font-size: .9rem; text-align: right; font-variant-numeric: tabular-nums; }
.chart .own .who, .chart .own .value { font-weight: 650; }
.chart svg { grid-area: plot; display: block; width: 100%; height: 1.7rem; overflow: visible; }
.chart .rail { stroke: var(--line); stroke-width: 1; }
.chart .fold { fill: var(--soft); opacity: .5; }
.chart .mean { stroke: var(--ink); stroke-width: 3; }
.chart text { fill: var(--soft); font-size: .8rem; }
.chart .own .fold { fill: var(--accent); }
.chart .own .mean { stroke: var(--accent); }
.chart .axis { display: grid; grid-template: "none plot space" / 12.5rem 1fr 8.5rem; gap: 0 1rem; margin-top: .3rem; }
.chart .axis div {
  grid-area: plot; display: flex; justify-content: space-between; gap: 1rem; font-size: .8rem; white-space: nowrap;
}
.count { display: inline-block; margin: 0 1.25rem .5rem 0; }
.count b { font-size: 1.4rem; font-variant-numeric: tabular-nums; margin-right: .3rem; }
.count.diverged b { color: var(--bad); }
.count.ok b { color: var(--good); }
@media (max-width: 34rem) {
  header { padding-top: 2rem; }
  h1 { font-size: 1.9rem; }
  .score b { font-size: 3rem; }
  dl div { grid-template-columns: 1fr; gap: 0; }
  .chart .row { grid-template: "who value" "plot plot" / 1fr max-content; padding: .35rem 0; }
  .chart .axis { grid-template: "plot" / 1fr; }
  .chart .axis .of { display: none; }
  nav a { padding: .45rem 0; }
}
@media print {
  :root { --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --wash: #f4f4f4; --accent: #00508c; --bad: #b04a00; }
  nav { display: none; }
  main, header, footer { max-width: none; padding: 0; }
  figure, tr, li { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .scroll, pre { overflow: visible; }
  .scroll { background: none; }
  pre code { white-space: pre-wrap; }
}
"""
"""CSS: the texts have a contrast of at least 4.5 to the paper, light and dark."""
