"""All tables, one after the other: `make bench`."""

from benchmarks import latency, solvers

if __name__ == "__main__":
    print("what a user waits for: CPU seconds")
    latency.main()
    for kind in solvers.COMPARISONS:
        print(f"\n{kind}: microseconds a solve at equal error, one core")
        solvers.report(kind)
