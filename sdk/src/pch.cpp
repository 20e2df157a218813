// Exists to build the precompiled header that every LibTorch-using target shares; holds nothing.
