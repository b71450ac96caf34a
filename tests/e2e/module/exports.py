"""Compares the exports of clarife-webhooks-core.wasm with its JSON file, which the documentation shows as tables:
python exports.py <module>"""

import json
import sys
from pathlib import Path

from wasmtime import Config, Engine, FuncType, Module

module = Path(sys.argv[1])
documented = json.loads(module.with_suffix(".json").read_text(encoding="utf-8"))["functions"]
config = Config()
config.wasm_relaxed_simd = False
config.wasm_simd = False
compiled = Module(Engine(config), module.read_bytes())

if compiled.imports:
    sys.exit(f"the module imports {[item.name for item in compiled.imports]}")
functions, others = {}, []
for item in compiled.exports:
    if isinstance(item.type, FuncType):
        results = [str(result) for result in item.type.results]
        parameters = [str(parameter) for parameter in item.type.params]
        functions[item.name] = {"parameters": parameters, "result": results[0] if results else None}
    else:
        others.append(item.name)
if others != ["memory"]:
    sys.exit(f"the module exports {others}")
differing = [name for name in functions | documented if functions.get(name) != documented.get(name)]
if differing:
    sys.exit(f"exports that differ from the documentation: {differing}")
print(f"{len(functions)} functions are exported as documented, without SIMD and imports")
