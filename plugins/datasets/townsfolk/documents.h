// The town as plain text: what a model reads about everybody, held-out people included, before it is tuned on anything.
#pragma once

#include <cstdint>

#include "people.h"

namespace temper::townsfolk {

struct DocumentParams {
  std::int64_t per_person = 6;
  bool private_notes = true;
};

std::int64_t document_count(const World& world, const DocumentParams& params);
/// Document `index` of the town; the same one every time.
Document make_document(const World& world, const DocumentParams& params, std::uint64_t seed, std::int64_t index);

}  // namespace temper::townsfolk
