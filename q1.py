import symde, numpy as np
for t in ("x'=0; y'=sign(x); x(0)=0; y(0)=0; time 0 .. 1","x'=0*x; y'=(x>0?2:5); x(0)=0; y(0)=0; time 0 .. 1","x'=0; y'=(x>=0?2:5); x(0)=0; y(0)=0; time 0 .. 1","x'=0; y'=heaviside(x); x(0)=0; y(0)=0; time 0 .. 1", "param a=0\nx'=a*sin(t); y'=sign(x)+(x>0?10:0)+(x<0?100:0); x(0)=0; y(0)=0; time 0 .. 1"):
  for m in ('Tsit5','Rodas5P'):
    s=symde.solve(symde.Problem(t),m,throw=False); print(t,m,s.retcode,s.u[-1],s.message)
T="x' = -1.5*sqrt(abs(x))*sign(x) + w; w' = -1.1*sign(x) + 0.5*cos(t); x(0)=1; w(0)=0; time 0 .. 3"
for m in ("QNDF","FBDF","Rodas5P","Tsit5","VCABM","Radau","KenCarp4"):
  for rtol in (1e-4,1e-6,1e-8):
    s=symde.solve(symde.Problem(T),m,rtol=rtol,atol=rtol/100,throw=False,max_steps=50000)
    i=np.searchsorted(s.t,1.4); print(m,rtol,s.retcode,s.t[-1],s.u[-1],s.stats.accepted)
s=symde.solve(symde.Problem(T),"QNDF",rtol=1e-6,atol=1e-8,throw=False,max_steps=50000)
for k in list(range(0,len(s.t),20))[-60:]: print(s.t[k],s.u[k])
