print("bonn")
