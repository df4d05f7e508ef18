"""Small tokenizers with the chat rules that instruct models publish, in our own words: roles, turns, what they refuse.

Each is byte-level, with the model's own special tokens, end of sequence and padding as its hub repository has them.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Family:
    """One family of instruct models.

    Attributes:
        special: its special tokens.
        begin, end, pad: beginning and end of sequence and padding, as its tokenizer_config.json names them.
        template: its chat template, shortened.
        turn: the token that ends an answer.
        system: what its prompt says right before the system text.
    """

    special: tuple[str, ...]
    begin: str | None
    end: str
    pad: str | None
    template: str
    turn: str
    system: str


HEAD = "<|start_header_id|>{{ message['role'] }}<|end_header_id|>\n\n"
LLAMA_3 = (
    "{{ bos_token }}{% for message in messages %}" + HEAD + "{{ message['content'] | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# the reasoning of an answer is taken apart and written anew; thinking off puts an empty think block into the prompt
QWEN_3 = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['role'] == 'assistant' %}{% set thought = '' %}{% set said = message['content'] %}"
    "{% if '</think>' in said %}{% set thought = said.split('</think>')[0].split('<think>')[-1].strip('\n') %}"
    "{% set said = said.split('</think>')[-1].lstrip('\n') %}{% endif %}"
    "<think>\n{{ thought }}\n</think>\n\n{{ said }}"
    "{% else %}{{ message['content'] }}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
GEMMA_TURNS = (
    "{% for message in rest %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate') }}{% endif %}"
    "<start_of_turn>{{ 'model' if message['role'] == 'assistant' else message['role'] }}\n"
    "{{ first if loop.first else '' }}{{ message['content'] | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
GEMMA_2 = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}{% set rest = messages %}{% set first = '' %}"
    + GEMMA_TURNS
)
GEMMA_3 = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set first = messages[0]['content'] + '\n\n' %}"
    "{% set rest = messages[1:] %}{% else %}{% set first = '' %}{% set rest = messages %}{% endif %}" + GEMMA_TURNS
)
GEMMA = ("<pad>", "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>")
IM = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
FAMILIES = {
    "llama_3": Family(
        ("<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|finetune_right_pad_id|>"),
        *("<|begin_of_text|>", "<|eot_id|>", None, LLAMA_3, "<|eot_id|>"),
        "<|start_header_id|>system<|end_header_id|>\n\n",
    ),
    "qwen_2_5": Family(IM, None, "<|im_end|>", "<|endoftext|>", CHATML, "<|im_end|>", "<|im_start|>system\n"),
    "qwen_3": Family(IM, None, "<|im_end|>", "<|endoftext|>", QWEN_3, "<|im_end|>", "<|im_start|>system\n"),
    # pads with the end of sequence
    "smollm_2": Family(IM, "<|im_start|>", "<|im_end|>", "<|im_end|>", CHATML, "<|im_end|>", "<|im_start|>system\n"),
    "gemma_2": Family(GEMMA, "<bos>", "<eos>", "<pad>", GEMMA_2, "<end_of_turn>", "<start_of_turn>user\n"),
    # MedGemma's are Gemma 3's
    "gemma_3": Family(GEMMA, "<bos>", "<eos>", "<pad>", GEMMA_3, "<end_of_turn>", "<start_of_turn>user\n"),
}


def write_chat_tokenizer(family: Family, folder: Path) -> str:
    """Save a family's tokenizer to a folder, which is given back as a name."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    every_byte = Tokenizer(models.BPE())
    every_byte.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    every_byte.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    every_byte.train_from_iterator(
        [], trainers.BpeTrainer(special_tokens=list(family.special), initial_alphabet=alphabet, show_progress=False)
    )
    named = {"bos_token": family.begin, "eos_token": family.end, "pad_token": family.pad}
    PreTrainedTokenizerFast(
        tokenizer_object=every_byte,
        chat_template=family.template,
        **{name: token for name, token in named.items() if token},
    ).save_pretrained(folder)
    return str(folder)
