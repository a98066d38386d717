/** The one style of the gateway's pages: light and dark as the reader's machine says, narrow screens first, and paper. */
export const STYLE = `:root{color-scheme:light dark;--back:light-dark(#f6f7f9,#14161a);--card:light-dark(#fff,#1d2026);--text:light-dark(#1a1d22,#e8eaee);--soft:light-dark(#555c68,#a4abb8);--line:light-dark(#c9ccd2,#3d434d);--act:light-dark(#1d4ed8,#93b4ff)}
*{box-sizing:border-box}html{scroll-padding-top:1rem}body{margin:0;background:var(--back);color:var(--text);font:1rem/1.5 system-ui,sans-serif}
header,main{max-width:64rem;margin:0 auto;padding:1rem}header nav{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;border-bottom:1px solid var(--line);padding-bottom:.75rem}.brand{font-weight:600}
h1{font-size:1.75rem;line-height:1.2;margin:.5rem 0 1rem}h2{font-size:1.25rem;line-height:1.3;margin:0 0 .5rem}h3{font-size:1rem;margin:1.25rem 0 .25rem}
p,ul{margin:0 0 1rem;max-width:48rem;overflow-wrap:anywhere}ul{padding-left:1.25rem}a{color:var(--act)}:focus-visible{outline:3px solid var(--act);outline-offset:2px}
section{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:1.25rem;margin:0 0 1.5rem}
code,pre,.route{font:.9em/1.45 ui-monospace,monospace;overflow-wrap:anywhere}.route{margin:0 0 .75rem}.route b{border:1px solid var(--line);border-radius:.25rem;padding:.1rem .4rem;margin-right:.35rem}
pre{background:var(--back);border:1px solid var(--line);border-radius:.375rem;padding:.75rem;margin:0 0 1rem;white-space:pre-wrap}
.wide{overflow-x:auto;margin:0 0 1rem}table{border-collapse:collapse;width:100%;font-size:.9rem}caption{text-align:left;color:var(--soft);padding:0 0 .25rem}th,td{text-align:left;vertical-align:top;padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line)}th{font-weight:600}td:first-child{min-width:9rem}td code{overflow-wrap:break-word}
.soft{color:var(--soft)}.whole{white-space:nowrap}summary{cursor:pointer;font-size:.9rem;padding:.35rem 0}.state{border-left:.35rem solid var(--line);padding:.1rem .75rem}.state.ok{border-color:light-dark(#15803d,#4ade80)}.state.attention{border-color:light-dark(#b45309,#fbbf24)}.state.away{border-color:light-dark(#b91c1c,#f87171)}.skip{position:absolute;left:-100vw}.skip:focus{left:1rem;top:.5rem;background:var(--card);padding:.5rem}
@media print{:root{color-scheme:light}header,.skip{display:none}section{border:0;border-top:1px solid #999;border-radius:0;padding:1rem 0}h2,h3,tr{break-inside:avoid;break-after:auto}h2,h3{break-after:avoid}a{color:inherit}}`;

export const STYLE_ADDRESS = "/style.css";
