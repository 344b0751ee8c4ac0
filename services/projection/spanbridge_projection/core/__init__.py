"""Pure projection: candidates, scores, solvers and the heuristic. Numpy and HiGHS only; token indices count from 0."""
