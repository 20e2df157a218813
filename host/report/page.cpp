// Style sheet and skeleton (see page.h).
#include "host/report/page.h"

#include "host/report/html.h"

namespace temper::report {
namespace {

/// Eight line colours, each readable on its background at 3:1 or more; the dash tells lines beyond eight apart.
constexpr const char* kStyle = R"css(
:root{color-scheme:light dark;--ink:#1c1d1f;--soft:#5b5f66;--paper:#fff;--panel:#f5f6f8;--rule:#d9dce1;--accent:#0b57a4;
--c0:#0b62a8;--c1:#b84a00;--c2:#00775a;--c3:#9c3d83;--c4:#7a5c00;--c5:#5145b8;--c6:#b3123f;--c7:#53595f}
@media (prefers-color-scheme:dark){:root{--ink:#e6e7ea;--soft:#a4a9b1;--paper:#16181b;--panel:#1f2226;--rule:#3a3f46;
--accent:#79b8ff;--c0:#6cb6ff;--c1:#ff9c57;--c2:#4fd1a5;--c3:#ef9fd8;--c4:#e3c04f;--c5:#a99cff;--c6:#ff8099;--c7:#b9bec6}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:76rem;padding:1rem 1rem 3rem;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,sans-serif;overflow-wrap:break-word}
h1{font-size:1.7rem;line-height:1.2;margin:.5rem 0}h2{font-size:1.3rem;margin:2.2rem 0 .5rem;border-bottom:1px solid var(--rule)}
h3{font-size:1.08rem;margin:1.4rem 0 .4rem}p{max-width:70ch}a{color:var(--accent)}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;padding:0;list-style:none}nav a{display:inline-block;padding:.35rem 0}
small,.diff,figcaption,caption{color:var(--soft);font-size:.86rem}.diff b,td b{color:var(--ink)}
.best{font-size:1.08rem;border-left:4px solid var(--accent);padding:.4rem .8rem;background:var(--panel)}
.box{overflow-x:auto;max-width:100%;margin:.6rem 0}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
table{border-collapse:collapse;font-size:.92rem}caption{text-align:left;padding:.3rem 0}
th,td{border-bottom:1px solid var(--rule);padding:.35rem .7rem .35rem 0;text-align:left;vertical-align:top}
td{font-variant-numeric:tabular-nums;min-width:4rem}th{font-weight:600}
th small{font-weight:400}td.v{min-width:11rem}.w{white-space:nowrap}
tbody th{min-width:7rem;max-width:22rem;overflow-wrap:anywhere}
@media(max-width:40rem){tbody th{min-width:8.5rem;max-width:9rem}td.text{min-width:12rem}}
td.text{white-space:pre-wrap;min-width:15rem;max-width:32rem;overflow-wrap:anywhere}
code,pre{font-family:ui-monospace,monospace;font-size:.86rem}pre{overflow:auto;background:var(--panel);padding:.8rem;max-height:40rem}
details{margin:.5rem 0}summary{cursor:pointer;padding:.4rem 0;color:var(--accent)}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,22rem),1fr));gap:1rem;align-items:start}
figure{margin:.5rem 0;min-width:0}svg{display:block;width:100%;height:auto;max-width:34rem}
svg text{font:12px system-ui,sans-serif;fill:var(--ink)}svg text.n{font-weight:700}
.grid{stroke:var(--rule)}.axis{stroke:var(--soft)}.whisker{stroke:var(--ink);stroke-width:1.5}
.line{fill:none;stroke-width:1.6;stroke-linejoin:round}.band{stroke:none;opacity:.2}.run{fill:none;stroke:var(--soft)}
.tile{fill:var(--c0);stroke:var(--rule)}
.d1{stroke-dasharray:6 3}.d2{stroke-dasharray:2 3}.d3{stroke-dasharray:8 3 2 3}
.line.c0{stroke:var(--c0)}.line.c1{stroke:var(--c1)}.line.c2{stroke:var(--c2)}.line.c3{stroke:var(--c3)}
.line.c4{stroke:var(--c4)}.line.c5{stroke:var(--c5)}.line.c6{stroke:var(--c6)}.line.c7{stroke:var(--c7)}
.band.c0,.dot.c0,svg text.c0{fill:var(--c0)}.band.c1,.dot.c1,svg text.c1{fill:var(--c1)}
.band.c2,.dot.c2,svg text.c2{fill:var(--c2)}.band.c3,.dot.c3,svg text.c3{fill:var(--c3)}
.band.c4,.dot.c4,svg text.c4{fill:var(--c4)}.band.c5,.dot.c5,svg text.c5{fill:var(--c5)}
.band.c6,.dot.c6,svg text.c6{fill:var(--c6)}.band.c7,.dot.c7,svg text.c7{fill:var(--c7)}
.legend{margin:.3rem 0;padding-left:1.6rem}.legend li::marker{font-weight:700}.legend span{color:var(--ink)}
li.c0{color:var(--c0)}li.c1{color:var(--c1)}li.c2{color:var(--c2)}li.c3{color:var(--c3)}
li.c4{color:var(--c4)}li.c5{color:var(--c5)}li.c6{color:var(--c6)}li.c7{color:var(--c7)}
@media print{:root{--ink:#000;--soft:#444;--paper:#fff;--panel:#fff;--rule:#bbb;--accent:#000}body{max-width:none;font-size:11pt}
nav{display:none}.box{overflow:visible}figure,tr{break-inside:avoid}h2,h3{break-after:avoid}td.text{min-width:0}pre{max-height:none}}
)css";

}  // namespace

std::string page(const std::string& title, const std::vector<PagePart>& parts) {
  std::string links, body;
  for (const auto& part : parts) {
    if (part.markup.empty()) continue;
    links += "<li><a href=\"#" + part.id + "\">" + part.name + "</a></li>";
    body += part.markup;
  }
  const std::string name = escape(title);
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>" +
         name + "</title>\n<style>" + kStyle + "</style></head>\n<body>\n<header><h1>" + name +
         "</h1>\n<nav aria-label=\"Contents\"><ul>" + links + "</ul></nav></header>\n<main>\n" + body +
         "</main>\n</body></html>\n";
}

}  // namespace temper::report
