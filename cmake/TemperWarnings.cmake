# Compiler flags that hold for all of temper's own code: warnings are errors; sanitizers on request.
add_compile_options(-Wall -Wextra -Werror -Wshadow -Wno-unknown-pragmas)
# GCC 12 reports these falsely for "literal" + std::string&& (GCC bug 105651).
add_compile_options(-Wno-restrict -Wno-stringop-overflow -Wno-array-bounds)
if(TEMPER_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize=vptr)
  add_link_options(-fsanitize=address,undefined -fno-sanitize=vptr)
endif()
