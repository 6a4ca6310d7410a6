/* CVODES on compiled kernels of a model: gradient of half the sum of (u/scale)^2 at given times.

   Forward: all sensitivity columns at once, with analytic right-hand sides, in the error test or not.
   Adjoint: Hermite interpolation between checkpoints; the backward problem starts anew at each saved time. */

#include <cvodes/cvodes.h>
#include <nvector/nvector_serial.h>
#include <stdlib.h>
#include <string.h>
#include <sunlinsol/sunlinsol_dense.h>
#include <sunmatrix/sunmatrix_dense.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>

typedef int (*kernel)(double t, const double *const *in, double *const *out);

typedef struct {
  int64_t n, m, columns, entries;              /* states, parameters, columns of P, entries of J */
  int64_t partial_entries;
  kernel rhs, jacobian, values, by_states, by_parameters;
  const int64_t *rows, *places;                /* of each entry of J */
  const int64_t *partial_rows, *partial_places;
  double *p;
  const double *sizes;                         /* of the parameters, for tolerances */
  double t0;
  const double *start, *scale, *times;
  int64_t saves;
  double *J, *P, *f;                           /* scratch */
} model;

typedef struct {
  model *data;
  SUNContext context;
  void *memory;
  N_Vector y, lambda, gradient;
  N_Vector *columns;
  int which, created;
  double *saved;
} solver;

static int call(kernel k, double t, const double *u, const model *d, const double *adjoint, double *first,
                double *second, double *third) {
  const double *in[8] = {u, d->p, 0, 0, 0, 0, 0, adjoint};
  double *out[3] = {first, second, third};
  return k(t, in, out);
}

static int rhs(realtype t, N_Vector y, N_Vector ydot, void *user) {
  model *d = user;
  return call(d->rhs, t, NV_DATA_S(y), d, 0, NV_DATA_S(ydot), 0, 0);
}

static int jac(realtype t, N_Vector y, N_Vector fy, SUNMatrix A, void *user, N_Vector a, N_Vector b, N_Vector c) {
  model *d = user;
  call(d->jacobian, t, NV_DATA_S(y), d, 0, d->J, 0, 0);
  double *to = SUNDenseMatrix_Data(A);
  for (int64_t k = 0; k < d->entries; k++) to[d->places[k] * d->n + d->rows[k]] = d->J[k];
  return 0;
}

static int columns_rhs(int count, realtype t, N_Vector y, N_Vector ydot, N_Vector *s, N_Vector *sdot, void *user,
                       N_Vector a, N_Vector b) {
  model *d = user;
  call(d->values, t, NV_DATA_S(y), d, 0, d->f, d->J, d->P);
  for (int j = 0; j < count; j++) {
    double *to = NV_DATA_S(sdot[j]);
    const double *from = NV_DATA_S(s[j]);
    memset(to, 0, sizeof(double) * d->n);
    for (int64_t k = 0; k < d->entries; k++) to[d->rows[k]] += d->J[k] * from[d->places[k]];
  }
  for (int64_t k = 0; k < d->partial_entries; k++)
    NV_DATA_S(sdot[d->partial_places[k]])[d->partial_rows[k]] += d->P[k];
  return 0;
}

static int rhs_back(realtype t, N_Vector y, N_Vector l, N_Vector ldot, void *user) {
  model *d = user;
  double *to = NV_DATA_S(ldot);
  int code = call(d->by_states, t, NV_DATA_S(y), d, NV_DATA_S(l), to, 0, 0);
  for (int64_t i = 0; i < d->n; i++) to[i] = -to[i];
  return code;
}

static int quadrature_back(realtype t, N_Vector y, N_Vector l, N_Vector qdot, void *user) {
  model *d = user;
  double *to = NV_DATA_S(qdot);
  int code = call(d->by_parameters, t, NV_DATA_S(y), d, NV_DATA_S(l), to, 0, 0);
  for (int64_t j = 0; j < d->m; j++) to[j] = -to[j];
  return code;
}

static int jac_back(realtype t, N_Vector y, N_Vector l, N_Vector fl, SUNMatrix A, void *user, N_Vector a, N_Vector b,
                    N_Vector c) {
  model *d = user;
  call(d->jacobian, t, NV_DATA_S(y), d, 0, d->J, 0, 0);
  double *to = SUNDenseMatrix_Data(A);
  for (int64_t k = 0; k < d->entries; k++) to[d->rows[k] * d->n + d->places[k]] = -d->J[k];
  return 0;
}

/* multistep: CV_ADAMS 1 or CV_BDF 2; corrector: CV_SIMULTANEOUS 1, CV_STAGGERED 2, 0 for the adjoint */
solver *make(model *d, int multistep, int corrector, int columns_tested, int64_t checkpoint) {
  solver *s = calloc(1, sizeof *s);
  s->data = d;
  SUNContext_Create(0, &s->context);
  s->y = N_VNew_Serial(d->n, s->context);
  N_VEnableFusedOps_Serial(s->y, 1);
  memcpy(NV_DATA_S(s->y), d->start, sizeof(double) * d->n);
  s->memory = CVodeCreate(multistep, s->context);
  CVodeInit(s->memory, rhs, d->t0, s->y);
  CVodeSetErrFile(s->memory, 0);
  CVodeSStolerances(s->memory, 1e-4, 1e-4);
  CVodeSetUserData(s->memory, d);
  CVodeSetMaxNumSteps(s->memory, 1000000);
  if (multistep == CV_ADAMS) {
    CVodeSetNonlinearSolver(s->memory, SUNNonlinSol_FixedPoint(s->y, 0, s->context));
  } else {
    SUNMatrix A = SUNDenseMatrix(d->n, d->n, s->context);
    CVodeSetLinearSolver(s->memory, SUNLinSol_Dense(s->y, A, s->context), A);
    CVodeSetJacFn(s->memory, jac);
  }
  if (corrector) {
    s->columns = N_VCloneVectorArray(d->m, s->y);
    for (int64_t j = 0; j < d->m; j++) N_VConst(0, s->columns[j]);
    CVodeSensInit(s->memory, d->m, corrector, columns_rhs, s->columns);
    CVodeSetSensParams(s->memory, 0, (double *)d->sizes, 0);
    CVodeSensEEtolerances(s->memory);
    CVodeSetSensErrCon(s->memory, columns_tested);
    if (multistep == CV_ADAMS) {
      if (corrector == CV_STAGGERED)
        CVodeSetNonlinearSolverSensStg(s->memory, SUNNonlinSol_FixedPointSens(d->m, s->y, 0, s->context));
      else
        CVodeSetNonlinearSolverSensSim(s->memory, SUNNonlinSol_FixedPointSens(d->m + 1, s->y, 0, s->context));
    }
  } else {
    CVodeAdjInit(s->memory, checkpoint, CV_HERMITE);
    s->lambda = N_VNew_Serial(d->n, s->context);
    s->gradient = N_VNew_Serial(d->m, s->context);
    s->saved = malloc(sizeof(double) * d->n * d->saves);
  }
  return s;
}

int forward(solver *s, double rtol, double atol, int corrector, double *gradient) {
  model *d = s->data;
  memcpy(NV_DATA_S(s->y), d->start, sizeof(double) * d->n);
  for (int64_t j = 0; j < d->m; j++) N_VConst(0, s->columns[j]);
  CVodeReInit(s->memory, d->t0, s->y);
  CVodeSensReInit(s->memory, corrector, s->columns);
  CVodeSStolerances(s->memory, rtol, atol);
  CVodeSensEEtolerances(s->memory);
  CVodeSetStopTime(s->memory, d->times[d->saves - 1]);
  memset(gradient, 0, sizeof(double) * d->m);
  for (int64_t k = 0; k < d->saves; k++) {
    double t;
    int code = CVode(s->memory, d->times[k], s->y, &t, CV_NORMAL);
    if (code < 0) return code;
    if ((code = CVodeGetSens(s->memory, &t, s->columns)) < 0) return code;
    const double *u = NV_DATA_S(s->y);
    for (int64_t i = 0; i < d->n; i++) d->f[i] = u[i] / (d->scale[i] * d->scale[i]);
    for (int64_t j = 0; j < d->m; j++) {
      const double *c = NV_DATA_S(s->columns[j]);
      double sum = 0;
      for (int64_t i = 0; i < d->n; i++) sum += d->f[i] * c[i];
      gradient[j] += sum;
    }
  }
  return 0;
}

int adjoint(solver *s, double rtol, double atol, int multistep, int quadrature_tested, double *gradient) {
  model *d = s->data;
  int64_t n = d->n;
  int code, checkpoints;
  double t;
  memcpy(NV_DATA_S(s->y), d->start, sizeof(double) * n);
  CVodeReInit(s->memory, d->t0, s->y);
  CVodeAdjReInit(s->memory);
  CVodeSStolerances(s->memory, rtol, atol);
  for (int64_t k = 0; k < d->saves; k++) {
    if (k == d->saves - 1) CVodeSetStopTime(s->memory, d->times[k]);
    code = CVodeF(s->memory, d->times[k], s->y, &t, CV_NORMAL, &checkpoints);
    if (code < 0) return code;
    memcpy(s->saved + k * n, NV_DATA_S(s->y), sizeof(double) * n);
  }
  N_VConst(0, s->lambda);
  N_VConst(0, s->gradient);
  double *l = NV_DATA_S(s->lambda), loss = 0;
  for (int64_t k = 0; k < d->saves; k++)
    for (int64_t i = 0; i < n; i++) {
      double x = s->saved[k * n + i] / d->scale[i];
      loss += 0.5 * x * x;
    }
  N_Vector tolerances = N_VClone(s->lambda), quadrature = N_VClone(s->gradient);
  for (int64_t i = 0; i < n; i++) NV_DATA_S(tolerances)[i] = rtol / d->scale[i];
  for (int64_t j = 0; j < d->m; j++) NV_DATA_S(quadrature)[j] = rtol * loss / d->sizes[j];
  for (int64_t k = d->saves - 1; k >= 0; k--) {
    for (int64_t i = 0; i < n; i++) l[i] += s->saved[k * n + i] / (d->scale[i] * d->scale[i]);
    if (!s->created) {
      CVodeCreateB(s->memory, multistep, &s->which);
      CVodeInitB(s->memory, s->which, rhs_back, d->times[k], s->lambda);
      CVodeSetUserDataB(s->memory, s->which, d);
      CVodeSetMaxNumStepsB(s->memory, s->which, 1000000);
      CVodeSVtolerancesB(s->memory, s->which, rtol, tolerances);
      if (multistep == CV_ADAMS) {
        CVodeSetNonlinearSolverB(s->memory, s->which, SUNNonlinSol_FixedPoint(s->lambda, 0, s->context));
      } else {
        SUNMatrix A = SUNDenseMatrix(n, n, s->context);
        CVodeSetLinearSolverB(s->memory, s->which, SUNLinSol_Dense(s->lambda, A, s->context), A);
        CVodeSetJacFnB(s->memory, s->which, jac_back);
      }
      CVodeQuadInitB(s->memory, s->which, quadrature_back, s->gradient);
      CVodeSetQuadErrConB(s->memory, s->which, quadrature_tested);
      CVodeQuadSVtolerancesB(s->memory, s->which, rtol, quadrature);
      s->created = 1;
    } else {
      code = CVodeReInitB(s->memory, s->which, d->times[k], s->lambda);
      if (code < 0) return code;
      CVodeQuadReInitB(s->memory, s->which, s->gradient);
      if (k == d->saves - 1) {
        CVodeSVtolerancesB(s->memory, s->which, rtol, tolerances);
        CVodeQuadSVtolerancesB(s->memory, s->which, rtol, quadrature);
      }
    }
    double end = k ? d->times[k - 1] : d->t0;
    if ((code = CVodeB(s->memory, end, CV_NORMAL)) < 0) return code;
    if ((code = CVodeGetB(s->memory, s->which, &t, s->lambda)) < 0) return code;
    if ((code = CVodeGetQuadB(s->memory, s->which, &t, s->gradient)) < 0) return code;
  }
  memcpy(gradient, NV_DATA_S(s->gradient), sizeof(double) * d->m);
  N_VDestroy(tolerances);
  N_VDestroy(quadrature);
  return 0;
}
