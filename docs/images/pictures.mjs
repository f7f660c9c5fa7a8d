// Draws the pictures of this folder from what examples/watched_session.cpp writes:
//
//   build/demo/examples/watched_session --diagram session.mmd --trace trace.json
//   npm install mermaid puppeteer-core
//   node docs/images/pictures.mjs session.mmd trace.json docs/images
//
// timeline.png is the diagram as Mermaid renders it. trace.png shows the slices, moments, arrows and
// counters of the trace in the manner of the Perfetto UI, which cannot be had as a package. CHROMIUM
// names the browser; it is given no network.
import {createRequire} from 'node:module';
import {readFileSync} from 'node:fs';

const [diagramFile, traceFile, folder] = process.argv.slice(2);
const installed = createRequire(process.cwd() + '/');  // where npm was called
const mermaid = installed.resolve('mermaid/dist/mermaid.min.js');
const {default: puppeteer} = await import(installed.resolve('puppeteer-core'));
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--host-resolver-rules=MAP * ~NOTFOUND'],
});
const page = await browser.newPage();

async function drawDiagram(text) {
  await page.setContent('<body style="background: white"><pre></pre></body>');
  await page.addScriptTag({path: mermaid});
  await page.evaluate(async (text) => {
    globalThis.mermaid.initialize({startOnLoad: false, sequence: {useMaxWidth: false, messageMargin: 20}});
    const {svg} = await globalThis.mermaid.render('diagram', text);
    document.querySelector('pre').innerHTML = svg;
  }, text);
  await (await page.$('svg')).screenshot({path: `${folder}/timeline.png`});
}

/// The picture of a trace as SVG.
function traceAsSvg(events) {
  const left = 150, width = 1000, height = 24, graph = 36;
  const timed = events.filter((e) => e.ph !== 'M');
  const begin = Math.min(...timed.map((e) => e.ts)), end = Math.max(...timed.map((e) => e.ts + (e.dur ?? 0)));
  const x = (ts) => left + (ts - begin) / (end - begin) * width;
  const escaped = (text) => String(text).replace(/&/g, '&amp;').replace(/</g, '&lt;');
  const colour = (name) => `hsl(${[...name].reduce((h, c) => (31 * h + c.charCodeAt(0)) % 360, 7)} 55% 72%)`;
  const nameOf = (kind, pid, tid) => events.findLast((e) => e.ph === 'M' && e.name === kind && e.pid === pid &&
      (kind === 'process_name' || e.tid === tid))?.args.name;
  const tracks = new Map(), counters = new Map();
  for (const e of timed) {
    const key = e.ph === 'C' ? `${e.pid} ${e.name}` : `${e.pid}.${e.tid}`;
    const of = e.ph === 'C' ? counters : tracks;
    if (!of.has(key)) of.set(key, {pid: e.pid, tid: e.tid, name: e.name, events: []});
    of.get(key).events.push(e);
  }
  const out = [];
  let y = 28;
  const where = new Map();
  const text = (at, top, words, style = '') =>
      out.push(`<text x="${at}" y="${top}" style="${style}">${escaped(words)}</text>`);
  const slice = (from, to, name) => {
    const wide = Math.max(x(to) - x(from), 1);
    out.push(`<rect x="${x(from)}" y="${y + 2}" width="${wide}" height="${height - 4}" fill="${colour(name)}"/>`);
    if (wide > 7 * name.length) text(x(from) + 4, y + 16, name);
  };
  for (let second = 0; second <= (end - begin) / 1e6; second += 0.5) {
    const at = x(begin + second * 1e6);
    text(at + 3, 14, `${second.toFixed(1)} s`, 'fill: gray');
    out.push(`<line x1="${at}" x2="${at}" y1="0" y2="100%" stroke="#ddd"/>`);
  }
  for (const pid of [...new Set(timed.map((e) => e.pid))].sort()) {
    text(6, y + 16, nameOf('process_name', pid), 'font-weight: bold');
    y += height;
    const own = [...tracks.values()].filter((t) => t.pid === pid).sort((a, b) => a.tid - b.tid);
    for (const track of own) {
      text(16, y + 16, nameOf('thread_name', pid, track.tid) ?? '');
      where.set(`${pid}.${track.tid}`, y);
      const open = [];
      for (const e of track.events) {
        if (e.ph === 'B') open.push(e);
        if (e.ph === 'X') slice(e.ts, e.ts + e.dur, e.name);
        if (e.ph === 'E') {
          const begun = open.pop();
          slice(begun.ts, e.ts, begun.name);
        }
      }
      for (const e of track.events.filter((e) => e.ph === 'i'))
        out.push(`<path d="M${x(e.ts)} ${y + 2} l4 8 h-8 z" fill="#b3261e"/>`);
      y += height;
    }
    for (const counter of [...counters.values()].filter((c) => c.pid === pid)) {
      text(16, y + 16, counter.name);
      const keys = [...new Set(counter.events.flatMap((e) => Object.keys(e.args)))];
      const most = Math.max(...counter.events.flatMap((e) => Object.values(e.args)), 1);
      keys.forEach((key, i) => {
        const level = (e) => y + graph - 4 - (e.args[key] ?? 0) / most * (graph - 8);
        let path = `M${x(counter.events[0].ts)} ${y + graph - 4}`;
        for (const e of [...counter.events].sort((a, b) => a.ts - b.ts)) path += ` H${x(e.ts)} V${level(e)}`;
        out.push(`<path d="${path} H${left + width} V${y + graph - 4} z" fill="${colour(key)}" fill-opacity="0.5"
            stroke="${colour(key)}"/>`);
        text(left + width + 6, y + 14 + 14 * i, key, 'fill: gray');
      });
      y += graph;
    }
  }
  for (const from of timed.filter((e) => e.ph === 's')) {
    const to = timed.find((e) => e.ph === 'f' && e.id === from.id);
    if (!to) continue;
    out.push(`<line x1="${x(from.ts)}" y1="${where.get(`${from.pid}.${from.tid}`) + 12}" x2="${x(to.ts)}"
        y2="${where.get(`${to.pid}.${to.tid}`) + 12}" stroke="#333" marker-end="url(#head)"/>`);
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + width + 90}" height="${y + 8}"
      style="background: white; font: 12px 'DejaVu Sans', sans-serif">
    <defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
    <path d="M0 0 L8 4 L0 8 z"/></marker></defs>${out.join('\n')}</svg>`;
}

async function drawTrace(events) {
  await page.setViewport({width: 1300, height: 800});
  await page.setContent(`<body style="margin: 0">${traceAsSvg(events)}</body>`);
  await (await page.$('svg')).screenshot({path: `${folder}/trace.png`});
}

await drawDiagram(readFileSync(diagramFile, 'utf8'));
await drawTrace(JSON.parse(readFileSync(traceFile, 'utf8')));
await browser.close();
