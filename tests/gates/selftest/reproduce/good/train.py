import json
import os
import random
from pathlib import Path

random.seed(int(os.environ["MLCC_SEED"]))
Path("model.json").write_text(json.dumps({"weight": random.random()}))
