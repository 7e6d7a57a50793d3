// Runs pytest on CPython 3.14 as npm's pyodide has it, built for WebAssembly: `node tests/python314/run.mjs PYODIDE SITE ARGUMENTS …`.
// PYODIDE is the folder of that package, SITE one with pytest and what tests import. Modules that import a library which has no build for
// WebAssembly are skipped by name, as are tests of CPU time; any other problem fails.
import { pathToFileURL } from "node:url";
import { resolve } from "node:path";

const [folder, site, ...args] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(resolve(folder, "pyodide.mjs")));
const python = await loadPyodide({ env: { HOME: "/tmp", HYPOTHESIS_STORAGE_DIRECTORY: "/tmp/hypothesis" } });
for (const [to, from] of [["/tree", "."], ["/site", site]]) {
  python.FS.mkdirTree(to);
  python.FS.mount(python.FS.filesystems.NODEFS, { root: resolve(from) }, to);
}
python.globals.set("ARGUMENTS", python.toPy(args));
process.exitCode = python.runPython(`
import os, sys, time
sys.dont_write_bytecode = True
sys.path[:0] = ["/site", "/tree/src", "/tree/tests"]
os.chdir("/tree")
import pytest

UNBUILT = {"PIL", "cedarpy", "cryptography", "jsonschema_rs"}

class Unbuilt:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in UNBUILT:
            pytest.skip(f"{name} has no build for WebAssembly", allow_module_level=True)

sys.meta_path.insert(0, Unbuilt)
time.process_time = lambda: pytest.skip("WebAssembly tells no CPU time, only that of the clock")
print("Python", sys.version)
int(pytest.main(list(ARGUMENTS)))
`);
