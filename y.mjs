import { demoRows } from './src/job/study/rows.ts';
import { summarize } from './src/report/study.ts';
const r = await demoRows({minutes:0.5, seeds:2, controllers:['temporal','proportional'], onProgress:(p)=>process.stderr.write(`${p.done}/${p.total} `)});
console.log(r.runsDone, r.runsPlanned, r.wallSeconds, r.simulatedSeconds);
console.log(JSON.stringify(summarize(r.cases),null,0));
