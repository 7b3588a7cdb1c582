"""`make docs`: what of docs/ is made from the code, written anew."""

from tests.docs.made import write

if __name__ == "__main__":
    for changed in write():
        print(f"written: {changed}")
