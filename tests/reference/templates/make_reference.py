"""Makes templates.json: conversations as transformers' apply_chat_template writes them with the chat templates that Qwen2,
Llama 3, Llama 3.1 and Zephyr publish (Llama 3.1's without its part for tools), and as ids of a tokenizer that has one id a
byte and the template's special tokens behind them. Run: python make_reference.py   (transformers 5.24, tokenizers 0.23)"""
import json
import pathlib

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

QWEN2 = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")
LLAMA3 = (
    "{% set loop_messages = messages %}{% for message in loop_messages %}"
    "{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}"
    "{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}")
LLAMA31 = r"""{{- bos_token }}
{%- if not date_string is defined %}
    {%- set date_string = "26 Jul 2024" %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\n\n" }}
{{- "Cutting Knowledge Date: December 2023\n" }}
{{- "Today Date: " + date_string + "\n\n" }}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
{%- endif %}
"""
ZEPHYR = """{% for message in messages %}
{% if message['role'] == 'user' %}
{{ '<|user|>
' + message['content'] + eos_token }}
{% elif message['role'] == 'system' %}
{{ '<|system|>
' + message['content'] + eos_token }}
{% elif message['role'] == 'assistant' %}
{{ '<|assistant|>
'  + message['content'] + eos_token }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}"""
HEADS = ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
# Family: (temper's name, its Jinja text, special tokens, BOS, EOS)
FAMILIES = {"qwen2": ("chatml", QWEN2, ["<|im_start|>", "<|im_end|>"], None, "<|im_end|>"),
            "llama3": ("llama3", LLAMA3, ["<|begin_of_text|>", *HEADS], "<|begin_of_text|>", "<|eot_id|>"),
            "llama3.1": ("llama3", LLAMA31, ["<|begin_of_text|>", *HEADS], "<|begin_of_text|>", "<|eot_id|>"),
            "zephyr": ("zephyr", ZEPHYR, ["<s>", "</s>"], "<s>", "</s>")}


def turns(*contents, system=None):
    roles = ["user", "assistant"]
    start = [] if system is None else [{"role": "system", "content": system}]
    return start + [{"role": roles[i % 2], "content": content} for i, content in enumerate(contents)]


CONVERSATIONS = [
    turns("What is the capital of Korea?"),
    turns("안녕하세요 🤗", system="Answer in one word."),
    turns("a", "b", "c"),
    turns("First line.\n\nSecond  line.", "One\ntwo", "And?", "Yes.", "Why?", system="You are a pirate.\nSpeak like one."),
    turns("{{ 7 * 7 }} {% raw %} '\\n'"),
    turns("  spaces around \n", system=" a system  "),
    turns("Say hi.", "hi"),
    turns("1", "2", "3", "4 5", system="Count."),
]


def byte_tokenizer(special, chat, bos, eos):
    """One id a byte, in the order of the bytes, then the special tokens."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    names = {**{byte: chr(byte) for byte in printable}, **{byte: chr(256 + i) for i, byte in enumerate(others)}}
    made = Tokenizer(models.BPE(vocab={names[byte]: byte for byte in range(256)}, merges=[]))
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False), decoders.ByteLevel()
    made.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    return PreTrainedTokenizerFast(tokenizer_object=made, bos_token=bos, eos_token=eos, chat_template=chat)


result = []
for family, (name, chat, special, bos, eos) in FAMILIES.items():
    tokenizer = byte_tokenizer(special, chat, bos, eos)
    cases = []
    for messages in CONVERSATIONS:
        asks = messages[-1]["role"] == "user"
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=asks)
        ids = tokenizer(text, add_special_tokens=False).input_ids
        cases.append({"messages": messages, "text": text, "ids": ids})
    result.append({"family": family, "template": name, "jinja": chat, "special": special, "bos": bos or "", "eos": eos,
                   "cases": cases})
(pathlib.Path(__file__).parent / "templates.json").write_text(json.dumps(result, ensure_ascii=False, separators=(",", ":")) + "\n")
