print("bonn-run")
