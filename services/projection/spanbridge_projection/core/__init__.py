"""Pure projection: candidates, scores, solvers and the heuristic. Numpy and scipy only; token indices count from 0."""
