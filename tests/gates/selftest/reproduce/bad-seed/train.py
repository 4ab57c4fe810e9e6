import json
import os
import random
from pathlib import Path

random.seed(os.urandom(8))
Path("model.json").write_text(json.dumps({"weight": random.random()}))
