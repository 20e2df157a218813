// SHA-256 against the vectors of FIPS 180-4.
#include <fstream>

#include "catch.h"
#include "temper/hash.h"

using namespace temper;

TEST_CASE("sha256 gives the published digests") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  Sha256 hash;
  for (int i = 0; i < 10000; ++i)
    hash.update("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
  CHECK(hash.hex() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("a missing file is a DataError that names it") {
  CHECK_THROWS_AS(sha256_file("/nonexistent/file"), DataError);
  CHECK_THROWS_WITH(sha256_file("/nonexistent/file"), ContainsSubstring("/nonexistent/file"));
}
