const told=JSON.parse(root.querySelector("script[type='application/json']").textContent);
const place=root.querySelector(".bps-drawing"),says=root.querySelector(".bps-told"),legend=root.querySelector(".bps-legend");
const narrow=root.clientWidth<560,W=narrow?390:960;
const make=(tag,given,into,text)=>{const e=document.createElementNS("http://www.w3.org/2000/svg",tag);
 for(const k in given)e.setAttribute(k,given[k]);if(text!==undefined)e.textContent=text;if(into)into.appendChild(e);return e};
const color=v=>`var(--bps-${v})`;
const shape={circle:r=>`M${-r},0a${r},${r} 0 1,0 ${2*r},0a${r},${r} 0 1,0 ${-2*r},0Z`,
 square:r=>`M${-r},${-r}H${r}V${r}H${-r}Z`,down:r=>`M${-r},${-r}H${r}L0,${r}Z`,
 cross:r=>`M${-r},${-r}L${r},${r}M${r},${-r}L${-r},${r}`};
const mark=(v,x,y,into,r=4)=>make("path",{d:shape[told.looks[v]](r),transform:`translate(${x.toFixed(1)},${y.toFixed(1)})`,
 fill:told.looks[v]=="cross"?"none":color(v),stroke:color(v),"stroke-width":told.looks[v]=="cross"?2:.5},into);
const score=t=>t[2]===""?"no score":`${told.metric} ${t[2]}${t[3]===null?" (off the scale)":""}`;
const values=t=>told.names.map((n,i)=>t[5][i]===null?"":`${n} ${t[5][i]}`).filter(Boolean).join(", ");
const tell=t=>{says.textContent=t?`trial ${t[0]}${t[0]===told.best?" (best)":""} · ${told.verdicts[t[1]]} · ${score(t)} — ${values(t)}`:
 "Point at a trial, or press the arrow keys, to see what it was."};
const entry=(text,paint)=>{const e=document.createElement("span"),s=make("svg",{viewBox:"-7 -7 14 14"},e);paint(s);
 e.appendChild(document.createTextNode(text));legend.appendChild(e)};
const note=()=>{if(told.t.length<told.all){const e=document.createElement("span");
 e.textContent=`${told.t.length} of ${told.all} trials`;legend.appendChild(e)}};
let chosen=-1;
const follow=(svg,nearest,show)=>{const point=e=>{const b=svg.getBoundingClientRect(),f=W/b.width;
 const i=nearest((e.clientX-b.left)*f,(e.clientY-b.top)*f);if(i>=0&&i!==chosen){chosen=i;show(i);tell(told.t[i])}};
 svg.addEventListener("pointermove",point);svg.addEventListener("pointerdown",point);
 place.addEventListener("keydown",e=>{const step={ArrowRight:1,ArrowDown:1,ArrowLeft:-1,ArrowUp:-1}[e.key],n=told.t.length;
  if(!n||(!step&&e.key!=="Home"&&e.key!=="End"))return;e.preventDefault();
  chosen=e.key==="Home"?0:e.key==="End"?n-1:chosen<0?Math.max(told.t.findIndex(t=>t[0]===told.best),0):Math.min(Math.max(chosen+step,0),n-1);
  show(chosen);tell(told.t[chosen])});
 chosen=told.t.findIndex(t=>t[0]===told.best);if(chosen>=0)show(chosen);tell(told.t[chosen])};
