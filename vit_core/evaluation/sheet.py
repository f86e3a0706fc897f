"""The frame of the report's page: markup and style, with $names for what `vit_core.evaluation.page` fills in."""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>
:root { --back: #ffffff; --front: #1c2430; --soft: #5a6675; --line: #d9dfe6; --tile: #f4f6f8;
  --right: 46, 125, 50; --wrong: 198, 40, 40; --bar: #4a7fb5; --ideal: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --back: #12161c; --front: #e6eaf0; --soft: #9aa7b5; --line: #2c3541;
  --tile: #1b222b; --right: 102, 187, 106; --wrong: 239, 83, 80; --bar: #6ea3d8; --ideal: #e0b050; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 70rem; background: var(--back); color: var(--front);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.35rem; line-height: 1.3; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p, li { max-width: 46rem; } small { color: var(--soft); }
.tiles, .pictures { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fill, minmax(10rem, 1fr)); }
.tile { background: var(--tile); border-radius: .5rem; padding: .6rem .8rem; }
.tile strong { display: block; font-size: 1.4rem; } .tile small { display: block; }
figure { margin: 0; } img, .gone { display: block; width: 100%; height: 10rem; object-fit: contain;
  background: var(--tile); border-radius: .5rem; }
.gone { display: grid; place-items: center; color: var(--soft); }
figcaption { font-size: .85rem; padding-top: .25rem; } figcaption small { display: block; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem .6rem; border-bottom: 1px solid var(--line); font-weight: normal; }
thead th { color: var(--soft); } th:first-child, td:first-child, .facts td { text-align: left; }
.figures td:first-child, .facts td { min-width: 7rem; vertical-align: top; }
.figures td:not(:first-child), .figures th, .matrix th { white-space: nowrap; }
.matrix { font-size: .8rem; overflow-wrap: normal; }
.matrix td { min-width: 2.2rem; text-align: center; padding: .25rem; }
.matrix thead span { writing-mode: vertical-rl; transform: rotate(180deg); max-height: 10rem; overflow: hidden; }
.matrix .right { background: rgba(var(--right), calc(var(--share) * .6)); }
.matrix .wrong { background: rgba(var(--wrong), calc(.15 + var(--share) * .6)); }
svg { width: 100%; max-width: 26rem; } svg text { fill: var(--soft); font-size: 11px; }
.grid { stroke: var(--line); } .bar { fill: var(--bar); opacity: .75; } .mean { fill: var(--front); }
.ideal { stroke: var(--ideal); stroke-dasharray: 5 4; stroke-width: 1.5; }
.halves { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); }
</style>
</head>
<body>
<h1>$checkpoint<br><small>evaluated on $data</small></h1>
<div class="tiles">
$tiles
</div>
<h2>How it was measured</h2>
$how
$notes
<h2>Most confident mistakes</h2>
$mistakes
<h2>Calibration</h2>
<p>Bars are the accuracy of the answers given with a confidence in that range, dots their mean confidence; on the dashed
line both are equal. The expected calibration error is the mean distance from it: $error.</p>
<div class="halves"><div>$diagram</div>$bins</div>
<h2>Confusions</h2>
$confusion
<h2>Classes, weakest first</h2>
$classes
<h2>Files left out</h2>
$left_out
</body>
</html>
"""
