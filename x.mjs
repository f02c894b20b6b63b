import { runLoop } from './src/job/study/loop.ts';
import { holdShares } from './src/scheme/hold-shares.ts';
const st=(w,s)=>({weights:w,seconds:s});
const which = process.argv[2], mins=+(process.argv[3]??1);
const steps={a:[st([70,30],60*mins)],b:[st([30,70],60*mins)],c:[st([70,30],30),st([90,10],60*mins)],d:[st([70,30],30),st([90,10],30),st([85,15],60*mins)]};
for (const k of which) for (const controller of (process.argv[4]??'temporal,proportional,user_input').split(',')) {
 const t=performance.now();
 const r=await runLoop({controller, steps:steps[k]},{seed:+(process.argv[5]??1),onThisThread:true});
 const n=r.nodes[0];
 console.log(k,controller,'mean',n.mean?.toFixed(3),'off',n.offset?.toFixed(3),'sd',n.stddev?.toFixed(3),'ramp',n.rampSeconds,r.leastRampSeconds,'over',n.overshoot?.toFixed(3),'moved/s MiB',(r.movedAfterRamp/r.settledSeconds/2**20).toFixed(1), ((performance.now()-t)/1000).toFixed(1)+'s', r.unbalanced.length);
 console.log('  ', [...r.shares[0].subarray(r.fromSecond, r.fromSecond+25)].map(x=>x.toFixed(2)).join(' '));
}
