"""What the scripts beside this one share: named cases that pass or fail, a line each."""
import sys

_fails = 0

def case(name):
    def deco(f):
        global _fails
        try:
            print(f"PASS  {name:24s} {str(f())[:80]}")
        except Exception as e:
            _fails += 1
            print(f"FAIL  {name:24s} {type(e).__name__}: {str(e)[:200]}")
    return deco

def need(ok, why):
    if not ok: raise AssertionError(why)

def finish():
    """Ends with the number of cases that failed."""
    print(f"{_fails} failures")
    sys.exit(_fails)
