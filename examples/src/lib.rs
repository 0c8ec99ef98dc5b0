//! One small runnable program per way of using Attach; `README.md` beside this folder lists them.
